//! The status codes this server answers with (RFC 9110 §15).

use std::fmt;

/// A status code, with the phrase that goes with it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Status {
    /// 200.
    Ok,
    /// 304: what the client has is still good. The reply has no body.
    NotModified,
    /// 400: the request is malformed, or its framing is ambiguous.
    BadRequest,
    /// 403: the origin or the host is not one that is allowed.
    Forbidden,
    /// 404: nothing is served at this path.
    NotFound,
    /// 405: the path is served, but not with this method. The reply carries `Allow`.
    MethodNotAllowed,
    /// 408: the request had begun and did not become complete in time.
    RequestTimeout,
    /// 413: the body is longer than a message may be.
    ContentTooLarge,
    /// 426: the WebSocket version is not ours. The reply carries `Upgrade`.
    UpgradeRequired,
    /// 431: the head is longer than [`MAX_HEAD_BYTES`](super::MAX_HEAD_BYTES), or has more
    /// fields than [`MAX_FIELDS`](super::MAX_FIELDS).
    HeaderTooLarge,
    /// 501: the request has a transfer coding; this server reads none.
    NotImplemented,
    /// 503: the server is about to end.
    ServiceUnavailable,
    /// 505: neither HTTP/1.0 nor HTTP/1.1.
    VersionNotSupported,
}

impl Status {
    /// The three digits.
    pub fn code(self) -> u16 {
        match self {
            Status::Ok => 200,
            Status::NotModified => 304,
            Status::BadRequest => 400,
            Status::Forbidden => 403,
            Status::NotFound => 404,
            Status::MethodNotAllowed => 405,
            Status::RequestTimeout => 408,
            Status::ContentTooLarge => 413,
            Status::UpgradeRequired => 426,
            Status::HeaderTooLarge => 431,
            Status::NotImplemented => 501,
            Status::ServiceUnavailable => 503,
            Status::VersionNotSupported => 505,
        }
    }

    /// Whether it says that a request was not served.
    pub fn is_error(self) -> bool {
        self.code() >= 400
    }

    /// The phrase behind the digits.
    pub fn reason(self) -> &'static str {
        self.line().trim_ascii_end()
    }

    /// The phrase and a newline: the body of an error.
    pub fn line(self) -> &'static str {
        match self {
            Status::Ok => "OK\n",
            Status::NotModified => "Not Modified\n",
            Status::BadRequest => "Bad Request\n",
            Status::Forbidden => "Forbidden\n",
            Status::NotFound => "Not Found\n",
            Status::MethodNotAllowed => "Method Not Allowed\n",
            Status::RequestTimeout => "Request Timeout\n",
            Status::ContentTooLarge => "Content Too Large\n",
            Status::UpgradeRequired => "Upgrade Required\n",
            Status::HeaderTooLarge => "Request Header Fields Too Large\n",
            Status::NotImplemented => "Not Implemented\n",
            Status::ServiceUnavailable => "Service Unavailable\n",
            Status::VersionNotSupported => "HTTP Version Not Supported\n",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code(), self.reason())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_prints_as_in_a_status_line() {
        assert_eq!(Status::BadRequest.to_string(), "400 Bad Request");
        assert_eq!(Status::HeaderTooLarge.to_string(), "431 Request Header Fields Too Large");
        assert_eq!(Status::BadRequest.line(), "Bad Request\n");
    }
}
