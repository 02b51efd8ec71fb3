//! Heads of requests: what is found does not depend on how the bytes were cut, and what we take for a
//! request is one to httparse, too, with the same method and the same fields.
#![no_main]

use libfuzzer_sys::fuzz_target;
use readily::codec::http::{
    HeadKind, HeadScanner, MAX_FIELDS, MAX_HEAD_BYTES, Status, parse_request,
};
use readily_fuzz::reads;

fuzz_target!(|input: (bool, Vec<u8>, Vec<u8>)| {
    let (is_request, cuts, bytes) = input;
    let kind = if is_request { HeadKind::Request } else { HeadKind::Response };
    let whole = HeadScanner::new(kind).scan(&bytes);

    let mut scanner = HeadScanner::new(kind);
    let mut cut = Ok(None);
    for read in reads(bytes.len(), &cuts) {
        cut = scanner.scan(&bytes[..read.end]);
        if cut != Ok(None) {
            break;
        }
    }
    // What is wrong may be found out early or late, and then be called by another name.
    match (whole, cut) {
        (Ok(Some(whole)), Ok(Some(cut))) => assert_eq!(whole, cut),
        (Ok(Some(head)), Err(_)) | (Err(_), Ok(Some(head))) => {
            assert!(
                !is_request || parse_request(&bytes[..head]).is_err(),
                "one of the two took it"
            );
        }
        (Ok(None), Ok(None)) | (Err(_), Err(_)) => {}
        (whole, cut) => panic!("{whole:?} as a whole, {cut:?} in pieces"),
    }

    if let Ok(Some(head)) = whole
        && is_request
    {
        assert!(head <= MAX_HEAD_BYTES && head <= bytes.len());
        check_request(&bytes[..head]);
    }
});

fn check_request(head: &[u8]) {
    let request = match parse_request(head) {
        Ok(request) => request,
        Err(status) => {
            assert!(status.code() >= 400);
            return;
        }
    };
    let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
    let mut theirs = httparse::Request::new(&mut fields);
    let parsed = theirs.parse(head).expect("httparse takes it, too");
    assert_eq!(parsed, httparse::Status::Complete(head.len()), "and ends where we do");
    assert_eq!(theirs.method, Some(request.method));
    let target = theirs.path.expect("a target");
    assert!(target.contains(request.path) || target.starts_with("http") && request.path == "/");
    assert!(request.query.is_none_or(|query| target.ends_with(query)));
    // Nobody can see another request in it.
    let count = |name: &str| {
        theirs.headers.iter().filter(|field| field.name.eq_ignore_ascii_case(name)).count()
    };
    assert!(count("Host") <= 1 && count("Content-Length") <= 1);
    assert_eq!(count("Transfer-Encoding"), 0, "{}", Status::NotImplemented.code());
}
