use super::super::Route;
use super::*;
use crate::codec::http::{Payload, Persistence, parse_request};
use crate::codec::websocket::handshake::Subprotocols;

fn site() -> Site {
    let route = |path: &str, service: &str, parameters| Route {
        path: path.to_owned(),
        service: service.to_owned(),
        parameters,
        ..Route::default()
    };
    let burst = vec![("min", "1".to_owned()), ("burst", "true".to_owned())];
    let mut echo = route("/ws", "echo", vec![]);
    echo.subprotocols = Subprotocols::parse("chat.v1,json").expect("legal");
    let routes = vec![echo, route("/r\"", "<random>", burst)];
    Site { routes, ..Site::default() }
}

fn answer(target: &str, fields: &str) -> String {
    let head = format!("GET {target} HTTP/1.1\r\nHost: x\r\n{fields}\r\n");
    let request = parse_request(head.as_bytes()).unwrap();
    let mut out = Vec::new();
    Shown::find(request.path).expect(target).answer(&request, &site(), |response| {
        response.encode(&mut out, Payload::Body, Persistence::KeepAlive, 0);
    });
    String::from_utf8(out).unwrap()
}

const BROWSER: &str = "Accept: text/html,application/xhtml+xml,*/*;q=0.8\r\n";

fn value<'a>(answer: &'a str, name: &str) -> &'a str {
    let head = answer.split("\r\n\r\n").next().expect("a head");
    let mut lines = head.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    let value = lines.next().unwrap_or_else(|| panic!("{name} in {head}"));
    assert_eq!(lines.next(), None, "{name} twice");
    value
}

#[test]
fn programs_get_exactly_this() {
    assert_eq!(
        answer("/", "Accept: */*\r\n"),
        "HTTP/1.1 200 OK\r\n\
         Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n\
         Content-Type: text/plain; charset=utf-8\r\n\
         Content-Length: 38\r\n\
         Vary: Accept\r\n\
         \r\n\
         Welcome!\nPlease use /ws for WebSocket!"
    );
}

#[test]
fn browsers_get_the_page_and_a_policy_that_allows_only_itself() {
    let answer = answer("/?x", BROWSER);
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"));
    assert_eq!(value(&answer, "Content-Type"), "text/html; charset=utf-8");
    assert_eq!(
        value(&answer, "Content-Security-Policy"),
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
         connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    assert_eq!(value(&answer, "X-Content-Type-Options"), "nosniff");
    assert_eq!(value(&answer, "Cache-Control"), "no-cache");
    assert_eq!(value(&answer, "Vary"), "Accept");
    assert!(answer.ends_with(INDEX.body));
}

#[test]
fn every_file_of_the_page_is_served_with_its_type() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/web");
    for entry in std::fs::read_dir(folder).expect("the folder") {
        let name = entry.expect("an entry").file_name().into_string().expect("text");
        if name == "index.html" {
            continue;
        }
        let expected = match name.rsplit_once('.').expect("an ending").1 {
            "js" => "text/javascript; charset=utf-8",
            "css" => "text/css; charset=utf-8",
            "svg" => "image/svg+xml",
            other => panic!("{other} has no type"),
        };
        let answer = answer(&format!("/page/{name}"), BROWSER);
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{name}");
        assert_eq!(value(&answer, "Content-Type"), expected, "{name}");
        assert_eq!(value(&answer, "X-Content-Type-Options"), "nosniff", "{name}");
        let body = std::fs::read_to_string(format!("{folder}/{name}")).expect("a file");
        assert!(answer.ends_with(&format!("\r\n\r\n{body}")), "{name}");
    }
    let names = ["/page/", "/page", "/page/index.html", "/page/../web/main.js", "/main.js"];
    assert!(names.iter().all(|name| Shown::find(name).is_none()));
}

#[test]
fn a_browser_that_has_a_file_is_told_that_it_is_good() {
    for target in ["/", "/page/main.js"] {
        let whole = answer(target, BROWSER);
        let tag = value(&whole, "ETag");
        for known in [tag, "*", &format!("W/{tag}"), &format!("\"x\", {tag} ,\"y\"")] {
            let answer = answer(target, &format!("{BROWSER}If-None-Match: {known}\r\n"));
            assert!(answer.starts_with("HTTP/1.1 304 Not Modified\r\n"), "{known}: {answer}");
            assert!(answer.ends_with("\r\n\r\n"), "{known}");
            assert_eq!(value(&answer, "ETag"), tag);
            assert_eq!(value(&answer, "Cache-Control"), "no-cache");
            let length = value(&answer, "Content-Length");
            assert_eq!(length, value(&whole, "Content-Length"), "that of the whole");
        }
        for other in ["\"0123456789abcdef\"", &tag[1..17], ""] {
            let answer = answer(target, &format!("{BROWSER}If-None-Match: {other}\r\n"));
            assert_eq!(answer, whole, "{other}");
        }
    }
    let tags: std::collections::BTreeSet<_> = FILES.iter().map(|file| file.tag).collect();
    assert_eq!(tags.len(), FILES.len(), "each has a tag of its own");
}

#[test]
fn the_services_of_a_listener_are_told_as_json() {
    let answer = answer("/services.json", "");
    assert_eq!(value(&answer, "Content-Type"), "application/json");
    assert_eq!(value(&answer, "Cache-Control"), "no-store");
    let body = answer.split("\r\n\r\n").nth(1).expect("a body");
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(body).expect(body),
        serde_json::json!({"services": [
            {"service": "echo", "path": "/ws", "parameters": {}, "subprotocols": ["chat.v1", "json"]},
            {
                "service": "<random>", "path": "/r\"",
                "parameters": {"min": "1", "burst": "true"}, "subprotocols": [],
            },
        ]})
    );
}

/// All that the page is made of.
fn sources() -> String {
    FILES.iter().chain([&INDEX]).map(|file| file.body).collect()
}

#[test]
fn the_page_has_the_words_of_the_chapter() {
    for words in [
        "\"Trying to connect to server.\"",
        "\"Connected!\"",
        "\"Hello From the Client!\"",
        "`[message] Data received from server: ${text}`",
        "`[close] Connection closed cleanly, code=${event.code} reason=${event.reason}`",
        "\"Socket Closed Connection: \"",
        "\"Socket Error: \"",
        "value=\"1000\"",
        "value=\"Work complete\"",
    ] {
        assert!(sources().contains(words), "{words}");
    }
}

#[test]
fn nothing_comes_from_outside_and_no_text_becomes_markup() {
    for forbidden in [
        "http://",
        "https://",
        "//cdn",
        "@import",
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "DOMParser",
        "createContextualFragment",
        "srcdoc",
        "eval(",
        "new Function",
        "javascript:",
    ] {
        let sources = sources().replace("http://www.w3.org/2000/svg", "");
        assert!(!sources.contains(forbidden), "{forbidden}");
    }
    // The policy would refuse them.
    for inline in ["<script>", "<style>", " style=", " onclick=", " onload="] {
        assert!(!INDEX.body.contains(inline), "{inline}");
    }
}

#[test]
fn the_page_is_small() {
    assert!(sources().len() < 128 * 1024, "{} bytes", sources().len());
}
