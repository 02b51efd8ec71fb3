//! What stands in the sources, and on the map of the ladder.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::RUNGS;
use crate::program::example;

#[test]
fn a_port_that_cannot_be_had_is_told_in_a_line() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("binds");
    let taken = taken.local_addr().expect("bound").port().to_string();
    for rung in RUNGS {
        for port in [&taken, "seven", "70000"] {
            let output = Command::new(example(rung)).arg(port).output().expect("runs");
            let stderr = String::from_utf8(output.stderr).expect("text");
            assert_eq!(output.status.code(), Some(1), "{rung} {port}");
            assert!(stderr.starts_with(&format!("Error: \"127.0.0.1:{port}: ")), "{stderr}");
            assert_eq!(stderr.lines().count(), 1, "{stderr}");
        }
    }
}

/// Every source of a rung: its path and its text, the one with `main` first.
fn sources(rung: &str) -> Vec<(PathBuf, String)> {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut paths = vec![examples.join(rung).with_extension("rs")];
    if !paths[0].exists() {
        let folder = fs::read_dir(examples.join(rung)).expect("a file or a folder");
        paths = folder.map(|entry| entry.expect("an entry").path()).collect();
        paths.sort_by_key(|path| !path.ends_with("main.rs"));
    }
    let text = |path: &PathBuf| fs::read_to_string(path).expect("a source");
    paths.into_iter().map(|path| (path.clone(), text(&path))).collect()
}

#[test]
fn every_rung_is_short_and_says_what_it_is_for() {
    let map = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/README.md");
    let map = fs::read_to_string(map).expect("a map");
    for (index, rung) in RUNGS.iter().enumerate() {
        let sources = sources(rung);
        let (_, main) = &sources[0];
        assert!(main.starts_with(&format!("//! Rung {}: ", index + 1)), "{rung}");
        let next = RUNGS.get(index + 1).unwrap_or(&"custom_service");
        let command = format!("//! cargo run --example {rung}");
        let mut rest = &main[..];
        for part in [
            "\n//! Shows ",
            "\n//! Try it",
            &command,
            "\n//! What goes wrong ",
            "\n//! Still missing: ",
            next,
        ] {
            let at =
                rest.find(part).unwrap_or_else(|| panic!("{rung} has no {part:?} in its place"));
            rest = &rest[at..];
        }
        assert!(map.contains(&format!("`{rung}`")), "{rung} is not on the map");
        for (path, source) in &sources {
            let count = source.lines().count();
            assert!(count < 120, "{} has {count} lines", path.display());
            let program = source.split("#[cfg(test)]").next().expect("the first part");
            for word in [".unwrap()", ".expect(", "panic!", "unreachable!"] {
                assert!(!program.contains(word), "{} has {word}", path.display());
            }
        }
    }
}
