//! What the documents name exists.

use std::fs;
use std::path::Path;
use std::process::Command;

use readily::engine::Stats;

/// What stands between backticks.
fn quoted(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

/// The rows of the table of promises, without its head.
fn promises() -> Vec<[String; 4]> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/promises.md");
    let text = fs::read_to_string(path).expect("the promises");
    let rows = text.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |")).skip(1);
    rows.map(|row| {
        let cells: Vec<_> = row.split('|').map(|cell| cell.trim().to_owned()).collect();
        cells.try_into().expect("four cells")
    })
    .collect()
}

#[test]
fn every_flag_of_a_promise_is_in_the_help_with_its_default() {
    let mut program = Command::new(env!("CARGO_BIN_EXE_readily"));
    let help = program.args(["serve", "--help"]).output().expect("the program").stdout;
    let help = String::from_utf8(help).expect("text");
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut flags = 0;
    for [_, cell, ..] in promises() {
        for flag in quoted(&cell) {
            let (name, default) = flag.split_once(' ').unwrap_or((flag, ""));
            let (_, entry) =
                help.split_once(&format!(" {name} <")).unwrap_or_else(|| panic!("{name}"));
            // The first default behind the name is its own.
            let told = entry.split("[default: ").nth(1).unwrap_or_default();
            assert!(told.starts_with(default), "{flag}: {told}");
            flags += 1;
        }
    }
    assert!(flags > 15, "{flags}");
}

#[test]
fn every_counter_of_a_promise_is_counted() {
    let known = Stats::default().entries().map(|counter| counter.name);
    let rows = promises();
    let named: Vec<&str> = rows.iter().flat_map(|[_, _, cell, _]| quoted(cell)).collect();
    assert!(named.len() > 10, "{named:?}");
    for name in named {
        assert!(known.contains(&name), "{name}");
    }
}

#[test]
fn every_promise_has_a_test_in_the_file_that_is_named() {
    let rows = promises();
    assert_eq!(rows.len(), 16);
    for [promise, .., cell] in &rows {
        assert!(cell.contains('`'), "{promise}: no test");
        for group in cell.split_inclusive(')') {
            let (tests, file) = group.split_once('(').expect("a file behind its tests");
            let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(file.trim_end_matches(')'));
            let text = fs::read_to_string(&file).unwrap_or_else(|e| panic!("{file:?}: {e}"));
            for test in quoted(tests) {
                assert!(text.contains(&format!("fn {test}(")), "no {test} in {file:?}");
            }
        }
    }
}
