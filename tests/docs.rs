//! What the documents name exists.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use readily::engine::Stats;
use readily::pubsub::Bounds;

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
            // Up to the next one, so that a default is its own.
            let entry = entry.split(" --").next().unwrap_or_default();
            let told = entry.split("[default: ").nth(1).unwrap_or_default();
            assert!(told.starts_with(default), "{flag}: {told}");
            flags += 1;
        }
    }
    assert!(flags > 15, "{flags}");
}

/// What shows a promise: the names that are quoted of each file, the file and its text.
fn shown_by(cell: &str) -> Vec<(Vec<&str>, PathBuf, String)> {
    let groups = cell.split_inclusive(".rs)").map(|group| {
        // What is quoted may have parentheses of its own.
        let (tests, file) = group.rsplit_once(" (").expect("a file behind its tests");
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(file.trim_end_matches(')'));
        let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{file:?}: {error}"));
        (quoted(tests).collect(), file, text)
    });
    groups.collect()
}

#[test]
fn every_counter_of_a_promise_is_counted_and_looked_at_where_it_is_shown() {
    let known = Stats::default().entries().map(|counter| counter.name);
    let mut count = 0;
    for [promise, _, cell, tests] in promises() {
        let shown_by = shown_by(&tests);
        for name in quoted(&cell) {
            assert!(known.contains(&name), "{name}");
            let is_word = |word: &str| word == name;
            let is_named = |text: &str| {
                text.split(|c: char| c != '_' && !c.is_ascii_alphanumeric()).any(is_word)
            };
            assert!(shown_by.iter().any(|(.., text)| is_named(text)), "{promise}: {name}");
            count += 1;
        }
    }
    assert!(count > 10, "{count}");
}

/// Whether `text` has a test of this name, by itself or as a line of a macro; what is no name has to be
/// there as it is quoted.
fn has_test(text: &str, test: &str) -> bool {
    if test.chars().all(|c| c == '_' || c.is_ascii_alphanumeric()) {
        return text.contains(&format!("fn {test}(")) || text.contains(&format!(" {test} breaks "));
    }
    text.contains(test)
}

#[test]
fn every_promise_has_a_test_in_the_file_that_is_named() {
    let rows = promises();
    assert_eq!(rows.len(), 21);
    for [promise, .., cell] in &rows {
        assert!(cell.contains('`'), "{promise}: no test");
        for (tests, file, text) in shown_by(cell) {
            for test in tests {
                assert!(has_test(&text, test), "no {test} in {file:?}");
            }
        }
    }
}

#[test]
fn the_bounds_of_topics_are_those_that_are_told() {
    let bounds = Bounds::default();
    let topics = format!("{},{:03}", bounds.topics / 1_000, bounds.topics % 1_000);
    let histories = format!("{} MiB", bounds.history_bytes / (1024 * 1024));
    for file in ["README.md", "docs/promises.md"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
        let text = fs::read_to_string(path).expect("a document");
        let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
        for told in [
            format!("Topics ({topics})"),
            format!("subscriptions of a client ({})", bounds.subscriptions),
            format!("histories ({histories} together)"),
        ] {
            assert!(words.contains(&told), "{file} does not say {told}");
        }
    }
}

/// The commands in the first block of a section of the README, without what is said of them.
fn commands(section: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let text = fs::read_to_string(path).expect("the README");
    let (_, text) = text.split_once(&format!("\n## {section}\n")).expect(section);
    let text = text.split("\n## ").next().expect("a section");
    let block = text.split("```sh\n").nth(1).expect("a block of commands");
    let block = block.split("```").next().expect("its end");
    let command = |line: &str| line.split(" #").next().unwrap_or_default().trim().to_owned();
    block.lines().map(command).collect()
}

#[test]
fn the_commands_for_study_work_as_they_are_printed() {
    let commands = commands("Study");
    assert_eq!(commands.len(), 3);
    let program = Path::new(env!("CARGO_BIN_EXE_readily"));
    let path = std::env::var("PATH").unwrap_or_default();
    let path = format!("{}:{path}", program.parent().expect("a folder").display());
    for command in &commands {
        if let Some(rung) = command.strip_prefix("cargo run --example ") {
            // They serve until they are stopped; `tests/ladder` starts each and speaks to it.
            let rungs = fs::read_to_string("examples/README.md").expect("the ladder");
            assert!(rungs.contains(&format!("[`{rung}`]")), "{command}");
            continue;
        }
        // It is built already; `.ci/study` runs the commands to the letter.
        let command = command.strip_prefix("cargo run --release -- ").expect("the program");
        let mut shell = Command::new("bash");
        shell.args(["-c", &format!("readily {command}")]).env("PATH", &path).stdin(Stdio::null());
        let output = shell.current_dir(env!("CARGO_MANIFEST_DIR")).output().expect("bash");
        assert_eq!(output.status.code(), Some(0), "{command}: {output:?}");
        let shown = String::from_utf8(output.stdout).expect("text");
        assert!(shown.lines().any(|line| line.starts_with("turn ")), "{command}: {shown}");
    }
}

#[test]
fn the_readme_leads_to_all_that_is_there_for_study() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let text = fs::read_to_string(path).expect("the README");
    let (_, text) = text.split_once("\n## Study\n").expect("a section");
    let text = text.split("\n## ").next().expect("its end");
    for way in [
        "(examples/README.md)",
        "(docs/book/README.md)",
        "(docs/book/try.md)",
        "`readily learn`",
        "readily replay --step",
        "(docs/page/timeline.png)",
    ] {
        assert!(text.contains(way), "{way}");
    }
    let labs = readily::learn::LABS.len();
    let told = ["eight", "nine", "ten", "eleven", "twelve"].get(labs - 8).expect("a number");
    assert!(text.contains(&format!("{told} mistakes")), "there are {labs} labs");
}
