//! Key exchange groups, and how large they make the ClientHello.

pub(super) mod list_small_hello;
pub(super) mod p256_retry;
pub(super) mod pq_intolerant;
pub(super) mod pq_intolerant_groups_list;
pub(super) mod x25519;
pub(super) mod x25519mlkem768;
