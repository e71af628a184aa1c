//! Bytes passed on: CONNECT, upgrades, `tunnel_route`.

pub(super) mod connect;
pub(super) mod connect_closed_port;
pub(super) mod connect_forbidden;
pub(super) mod route;
pub(super) mod route_split_hello;
pub(super) mod websocket;
