//! Who may come to a web listener: which pages, asking for which host, and with which secret.
//!
//! Configuration fills these policies in, and the HTTP protocol asks them about each request. They
//! are pure: text in, yes or no out.

mod authority;
pub(crate) mod host;
mod host_policy;
mod origin;
mod token;

pub use self::host_policy::{AllowedHost, HostError, HostPolicy};
pub use self::origin::{AllowedOrigin, Origin, OriginError, OriginPolicy};
pub use self::token::Token;
