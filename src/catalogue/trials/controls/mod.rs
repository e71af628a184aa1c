//! Controls: they tell whose fault a failure is.

pub(super) mod direct_curl;
pub(super) mod direct_openssl;
pub(super) mod direct_tls;
pub(super) mod plain_origin;
pub(super) mod unmapped;
