//! Finds where a head ends, in however many pieces it arrives.
//!
//! Called with everything that is buffered each time more has come. It remembers how far it
//! looked, so a peer that sends one byte at a time costs us each byte once, not each byte as often
//! as there are bytes.
//!
//! It also stops a peer early that will never send a sound head: one that speaks another protocol
//! (a TLS client hello, a typed line), or one whose head is too long. Whether that is found out
//! early or only by the parser depends on where the bytes were cut; what is answered does not.

use memchr::memchr_iter;

use super::request::check_request_line;
use super::{MAX_FIELDS, MAX_HEAD_BYTES, Status};

/// Which start line a head has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HeadKind {
    /// `GET / HTTP/1.1`, what a server reads.
    Request,
    /// `HTTP/1.1 200 OK`, what a client reads.
    Response,
}

/// How far the end of a head has been looked for.
///
/// Invariant: `line_start <= scanned <= MAX_HEAD_BYTES`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HeadScanner {
    /// So many bytes were looked at.
    scanned: u16,
    /// The line that is not finished begins here.
    line_start: u16,
    /// Lines that were finished and are not empty: the start line, then the fields.
    lines: u8,
    kind: HeadKind,
}

const _: () = assert!(size_of::<HeadScanner>() == 6 && MAX_HEAD_BYTES <= u16::MAX as usize);

impl HeadScanner {
    /// A scanner that has seen nothing.
    pub const fn new(kind: HeadKind) -> HeadScanner {
        HeadScanner { scanned: 0, line_start: 0, lines: 0, kind }
    }

    /// Looks at what of `buffered` it has not seen: the same bytes as last time, and more.
    ///
    /// Returns the length of the head, including empty lines in front of it and the one behind it,
    /// and is ready for the next head then; or `None` where the head goes on. Looks at most at
    /// [`MAX_HEAD_BYTES`].
    ///
    /// # Errors
    /// Where no continuation can make it a sound head: [`Status::HeaderTooLarge`] above the limits,
    /// and whatever the start line deserves. A client takes each as "not HTTP". The scanner is of
    /// no use after that.
    pub fn scan(&mut self, buffered: &[u8]) -> Result<Option<usize>, Status> {
        let window = &buffered[..buffered.len().min(MAX_HEAD_BYTES)];
        let seen = usize::from(self.scanned);
        debug_assert!(seen <= window.len(), "bytes that were scanned have gone");
        let unseen = window.get(seen..).unwrap_or_default();

        let mut start_line = None;
        let mut is_too_large = buffered.len() >= MAX_HEAD_BYTES;
        for position in memchr_iter(b'\n', unseen) {
            let line_end = seen + position;
            let line = &window[usize::from(self.line_start)..=line_end];
            self.line_start = offset(line_end + 1);
            match (line, self.lines) {
                // RFC 9112 §2.2: empty lines in front of a request line are ignored.
                (b"\n" | b"\r\n", 0) => continue,
                (b"\n" | b"\r\n", _) => {
                    *self = HeadScanner::new(self.kind);
                    return Ok(Some(line_end + 1));
                }
                (line, 0) => start_line = Some(line),
                (_, 1..) => {}
            }
            self.lines += 1;
            if usize::from(self.lines) > 1 + MAX_FIELDS {
                is_too_large = true;
                break;
            }
        }
        self.scanned = offset(window.len());

        // The head goes on, so this is the time to find out whether it is worth waiting for. The
        // start line is looked at as a whole once, and at its new bytes while it is unfinished.
        if let Some(line) = start_line {
            self.check_start_line(line)?;
        } else if self.lines == 0 {
            let start = usize::from(self.line_start);
            match self.kind {
                HeadKind::Request => {
                    check_unfinished_request(window.get(seen.max(start)..).unwrap_or_default())?;
                }
                HeadKind::Response => check_unfinished_response(&window[start..])?,
            }
        }
        if is_too_large { Err(Status::HeaderTooLarge) } else { Ok(None) }
    }

    fn check_start_line(&self, line: &[u8]) -> Result<(), Status> {
        match self.kind {
            HeadKind::Request => check_request_line(line),
            HeadKind::Response if line.starts_with(STATUS_LINE) => Ok(()),
            HeadKind::Response => Err(Status::BadRequest),
        }
    }
}

/// How a response begins. Its reason phrase may be of any bytes (RFC 9112 §4).
const STATUS_LINE: &[u8] = b"HTTP/1.";

fn check_unfinished_response(line: &[u8]) -> Result<(), Status> {
    let compared = line.len().min(STATUS_LINE.len());
    let is_start = line[..compared] == STATUS_LINE[..compared];
    // An empty line in front of it may be cut, too.
    if is_start || line == b"\r" { Ok(()) } else { Err(Status::BadRequest) }
}

/// Request lines are visible ASCII and spaces. A TLS client hello begins with 0x16 and is refused at
/// its first byte.
fn check_unfinished_request(line: &[u8]) -> Result<(), Status> {
    let is_text = line.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\r'));
    if is_text { Ok(()) } else { Err(Status::BadRequest) }
}

fn offset(position: usize) -> u16 {
    u16::try_from(position).expect("a position is at most MAX_HEAD_BYTES")
}

#[cfg(test)]
mod tests {
    use super::super::{Request, parse_request};
    use super::*;
    use proptest::prelude::*;

    /// Scans `bytes`, of which `cuts` become visible one after the other and at last all.
    fn scan_in_pieces(bytes: &[u8], cuts: &[usize]) -> Result<Option<usize>, Status> {
        let mut scanner = HeadScanner::new(HeadKind::Request);
        let mut cuts = cuts.to_vec();
        cuts.sort_unstable();
        for cut in cuts.into_iter().chain([bytes.len()]) {
            if let Some(length) = scanner.scan(&bytes[..cut])? {
                assert_eq!(scanner, HeadScanner::new(HeadKind::Request), "ready for the next");
                return Ok(Some(length));
            }
            assert!(usize::from(scanner.line_start) <= usize::from(scanner.scanned));
            assert_eq!(usize::from(scanner.scanned), cut.min(MAX_HEAD_BYTES));
        }
        Ok(None)
    }

    /// What a connection that got `bytes` in these pieces answers to.
    fn decode<'a>(bytes: &'a [u8], cuts: &[usize]) -> Result<Option<Request<'a>>, Status> {
        match scan_in_pieces(bytes, cuts)? {
            Some(length) => parse_request(&bytes[..length]).map(Some),
            None => Ok(None),
        }
    }

    fn head_with(fields: usize) -> Vec<u8> {
        let lines: String = (1..fields).map(|n| format!("X-{n}: y\r\n")).collect();
        format!("GET / HTTP/1.1\r\nHost: x\r\n{lines}\r\n").into_bytes()
    }

    fn head_of(length: usize) -> Vec<u8> {
        let frame = "GET / HTTP/1.1\r\nHost: x\r\nX: \r\n\r\n".len();
        let padding = "y".repeat(length - frame);
        format!("GET / HTTP/1.1\r\nHost: x\r\nX: {padding}\r\n\r\n").into_bytes()
    }

    #[test]
    fn the_end_is_the_first_empty_line_behind_a_line() {
        let table: [(&[u8], Option<usize>); 10] = [
            (b"", None),
            (b"GET / HTTP/1.1\r\n", None),
            (b"GET / HTTP/1.1\r\n\r", None),
            (b"GET / HTTP/1.1\r\n\r\n", Some(18)),
            (b"GET / HTTP/1.1\n\n", Some(16)),
            (b"GET / HTTP/1.1\n\r\n", Some(17)),
            (b"GET / HTTP/1.1\r\n\nrest", Some(17)),
            (b"\r\n\n\r\nGET / HTTP/1.1\r\n\r\nGET /", Some(23)),
            (b"GET / HTTP/1.1\r\n \r\n", None),
            (b"\r\n\r\n", None),
        ];
        for (bytes, expected) in table {
            assert_eq!(scan_in_pieces(bytes, &[]), Ok(expected), "{}", bytes.escape_ascii());
            let every_byte: Vec<usize> = (0..bytes.len()).collect();
            assert_eq!(scan_in_pieces(bytes, &every_byte), Ok(expected));
        }
    }

    #[test]
    fn what_is_no_request_is_refused_before_it_is_complete() {
        let table: [(&[u8], Status); 9] = [
            (b"\x16\x03\x01\x02\x00\x01", Status::BadRequest),
            (b"\x16", Status::BadRequest),
            (b"hello\n", Status::BadRequest),
            (b"GET /\n", Status::BadRequest),
            (b"GET /\xc3\xa9", Status::BadRequest),
            (b"\x00", Status::BadRequest),
            (b"GET / HTTP/9.9\r\n", Status::VersionNotSupported),
            (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Status::VersionNotSupported),
            (b"GET http HTTP/1.1\r\n", Status::BadRequest),
        ];
        for (bytes, expected) in table {
            assert_eq!(decode(bytes, &[]).err(), Some(expected), "{}", bytes.escape_ascii());
            let every_byte: Vec<usize> = (0..bytes.len()).collect();
            assert_eq!(decode(bytes, &every_byte).err(), Some(expected));
        }
        let mut client = HeadScanner::new(HeadKind::Response);
        assert_eq!(client.scan(b"echo: what?\n"), Err(Status::BadRequest));
        let mut client = HeadScanner::new(HeadKind::Response);
        assert_eq!(client.scan(b"HTTP/1.1 101 Switching Protocols\r\n\r\n\x81"), Ok(Some(36)));
    }

    #[test]
    fn a_response_is_the_same_wherever_it_is_cut() {
        for (head, is_sound) in [
            (&b"HTTP/1.1 200 \xe9t\xe9\r\n\r\n"[..], true),
            (b"\r\n\r\nHTTP/1.0 200\r\nA: b\r\n\r\n", true),
            (b"SSH-2.0-x\r\n\r\n", false),
            (b"HTTP/2 200\r\n\r\n", false),
        ] {
            for cut in 0..=head.len() {
                let mut scanner = HeadScanner::new(HeadKind::Response);
                let start = scanner.scan(&head[..cut]);
                let found = if start == Ok(None) { scanner.scan(head) } else { start };
                // One that is not sound is refused by us, or where it ends by the parser.
                let is_whole = found == Ok(Some(head.len()));
                let is_right = is_whole || (found.is_err() && !is_sound);
                assert!(is_right, "{} cut at {cut}: {found:?}", head.escape_ascii());
            }
        }
    }

    #[test]
    fn a_head_of_exactly_the_limits_is_taken_and_one_more_is_not() {
        assert!(matches!(decode(&head_of(MAX_HEAD_BYTES), &[]), Ok(Some(_))));
        assert!(matches!(decode(&head_of(MAX_HEAD_BYTES), &[MAX_HEAD_BYTES - 1]), Ok(Some(_))));
        assert!(matches!(decode(&head_with(MAX_FIELDS), &[]), Ok(Some(_))));
        for head in [head_of(MAX_HEAD_BYTES + 1), head_with(MAX_FIELDS + 1)] {
            let every_byte: Vec<usize> = (0..head.len()).collect();
            for cuts in [&[][..], &every_byte[..]] {
                assert_eq!(decode(&head, cuts).err(), Some(Status::HeaderTooLarge));
            }
        }
        // An end that would come too late is not waited for.
        let unfinished = |head: Vec<u8>| scan_in_pieces(&head[..head.len() - 2], &[]);
        assert_eq!(unfinished(head_with(MAX_FIELDS)), Ok(None));
        assert_eq!(unfinished(head_with(MAX_FIELDS + 1)), Err(Status::HeaderTooLarge));
        assert_eq!(unfinished(head_of(MAX_HEAD_BYTES + 1)), Ok(None));
        assert_eq!(unfinished(head_of(MAX_HEAD_BYTES + 2)), Err(Status::HeaderTooLarge));
        assert_eq!(scan_in_pieces(&[b'a'; 20_000], &[]), Err(Status::HeaderTooLarge));
        assert_eq!(scan_in_pieces(&[b'\n'; 20_000], &[5]), Err(Status::HeaderTooLarge));
    }

    /// Pieces that are likely to be put together into something near a head.
    fn near_heads() -> impl Strategy<Value = Vec<u8>> {
        let pieces: Vec<&'static [u8]> = vec![
            b"GET / HTTP/1.1\r\n",
            b"GET ",
            b"/ws?q",
            b" HTTP/1.1",
            b" HTTP/9.9",
            b"\r\n",
            b"\n",
            b"\r",
            b"Host: x\r\n",
            b"Host",
            b": ",
            b"Content-Length: 3\r\n",
            b" ",
            b"\x16",
            b"\0",
            b"http://a:1/",
            b"*",
            b"Transfer-Encoding: chunked\n",
            b"\xc3\xa9",
            b"#",
            b"POST",
        ];
        let piece = prop_oneof![
            8 => prop::sample::select(pieces).prop_map(<[u8]>::to_vec),
            1 => prop::collection::vec(any::<u8>(), 0..4),
            1 => (60..70usize).prop_map(|count| b"A: b\r\n".repeat(count)),
        ];
        prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn the_pieces_do_not_matter(
            bytes in near_heads(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
        ) {
            let cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
            let whole = format!("{:?}", decode(&bytes, &[]));
            prop_assert_eq!(&whole, &format!("{:?}", decode(&bytes, &cuts)));
            let every_byte: Vec<usize> = (0..bytes.len()).collect();
            prop_assert_eq!(&whole, &format!("{:?}", decode(&bytes, &every_byte)));
        }
    }
}
