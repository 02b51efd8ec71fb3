//! Ports, as numbers or by name.

use std::fs::File;
use std::io::Read as _;

use super::error::Problem;

/// Where a system lists the names of ports (services(5)).
const SERVICES_FILE: &str = "/etc/services";

/// More than any real services file has; a larger one is read this far.
const SERVICES_FILE_MAX_BYTES: u64 = 4 << 20;

/// The port that `text` means for `protocol` (`tcp` or `udp`).
pub(super) fn parse(text: &str, protocol: &str) -> Result<u16, Problem> {
    if text.is_empty() {
        return Err(Problem::MissingPort);
    }
    // A service name has at least one letter (RFC 6335 §5.1), so it cannot be taken for a number.
    let is_name = text.bytes().any(|byte| byte.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_graphic());
    if is_name {
        let services = read_services();
        return find_port(&services, text, protocol)
            .ok_or_else(|| Problem::UnknownPortName(text.to_owned()));
    }
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Problem::BadPort(text.to_owned()));
    }
    text.parse().map_err(|_| Problem::BadPort(text.to_owned()))
}

/// The services file; empty where there is none, so that every name is an unknown one.
fn read_services() -> String {
    let mut bytes = Vec::new();
    if let Ok(file) = File::open(SERVICES_FILE) {
        // What could be read before an error is still right.
        let _ = file.take(SERVICES_FILE_MAX_BYTES).read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Finds `name` in lines such as `http  80/tcp  www  # WorldWideWeb HTTP`.
fn find_port(services: &str, name: &str, protocol: &str) -> Option<u16> {
    services.lines().find_map(|line| {
        let entry = line.split('#').next().unwrap_or_default();
        let mut fields = entry.split_whitespace();
        let official = fields.next()?;
        let (port, entry_protocol) = fields.next()?.split_once('/')?;
        let matches = official == name || fields.any(|alias| alias == name);
        if matches && entry_protocol == protocol { port.parse().ok() } else { None }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_digits_from_0_to_65535() {
        assert_eq!(parse("0", "tcp"), Ok(0));
        assert_eq!(parse("65535", "tcp"), Ok(65535));
        assert_eq!(parse("08001", "tcp"), Ok(8001));
        assert_eq!(parse("", "tcp"), Err(Problem::MissingPort));
        for bad in ["65536", "99999999999999", "-1", "+80", "80 ", "8.0", "\u{0663}"] {
            assert_eq!(parse(bad, "tcp"), Err(Problem::BadPort(bad.into())), "{bad}");
        }
    }

    #[test]
    fn names_come_from_the_services_file() {
        let services = "# comment\n\nhttp\t80/tcp\twww # web\nntp 123/udp\nbad\nodd 99999/tcp\n\
                        #ghost 1/tcp\nhalf 7\nend 9/tcp sink null";
        assert_eq!(find_port(services, "http", "tcp"), Some(80));
        assert_eq!(find_port(services, "www", "tcp"), Some(80));
        assert_eq!(find_port(services, "null", "tcp"), Some(9));
        assert_eq!(find_port(services, "http", "udp"), None);
        assert_eq!(find_port(services, "ntp", "udp"), Some(123));
        for unknown in ["web", "odd", "ghost", "half", "bad", "#", "80/tcp", "HTTP"] {
            assert_eq!(find_port(services, unknown, "tcp"), None, "{unknown}");
        }
    }

    #[test]
    fn an_unknown_name_says_so() {
        let name = "no-such-port";
        assert_eq!(parse(name, "tcp"), Err(Problem::UnknownPortName(name.into())));
    }
}
