//! The labs: with the mistake each goes wrong, without it none does, and what is printed of them is what a
//! learner can read.

#[allow(unreachable_pub, reason = "a test program has nobody to export to")]
mod support;

#[path = "support/bounded.rs"]
mod bounded;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use readily::learn::{LABS, Lab, text};
use serde_json::Value;

use bounded::run;

/// The labs with their numbers.
fn labs() -> impl Iterator<Item = (usize, &'static Lab)> {
    (1..).zip(LABS)
}

/// All that is printed of a lab.
fn printed(number: usize, lab: &Lab) -> String {
    text::lab(lab, number, &(lab.broken)(), &(lab.kept)())
}

/// A file of the sources.
fn source(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path:?}: {error}"))
}

#[test]
fn every_lab_goes_wrong_with_its_rule_broken_and_right_with_it_kept() {
    assert!(LABS.len() >= 8);
    for (number, lab) in labs() {
        let (broken, kept) = ((lab.broken)(), (lab.kept)());
        assert!(!broken.verdict.is_right, "{number}, broken: {}", broken.verdict.words);
        assert!(kept.verdict.is_right, "{number}, kept: {}", kept.verdict.words);
        assert_ne!(broken.verdict.words, kept.verdict.words, "{number}");
        assert_ne!(broken.moments, kept.moments, "{number}");
    }
}

#[test]
fn every_lab_shows_where_its_two_runs_part() {
    for (number, lab) in labs() {
        let (broken, kept) = ((lab.broken)(), (lab.kept)());
        let same = broken.same_as(&kept);
        assert!(same > 0 && same < broken.moments.len(), "{number}: {same} moments");
        let shown = printed(number, lab);
        assert_eq!(shown.matches("up to here both loops do the same").count(), 2, "{number}");
    }
}

#[test]
fn every_run_of_a_lab_is_the_same() {
    for (number, lab) in labs() {
        assert!((lab.broken)() == (lab.broken)(), "{number}, broken");
        assert!((lab.kept)() == (lab.kept)(), "{number}, kept");
    }
}

#[test]
fn a_loop_that_does_not_sleep_is_stopped_after_a_thousand_turns() {
    for (number, lab) in labs() {
        let turns = (lab.broken)().turns().count();
        assert!(turns <= 1_010, "{number}: {turns}");
    }
    let spins = |rule: &str| {
        let (_, lab) = labs().find(|(_, lab)| lab.rule == rule).expect("a lab");
        (lab.broken)().turns().count() > 990
    };
    assert!(spins("PAUSE_ACCEPTING") && spins("HEED_WOULD_BLOCK"));
}

#[test]
fn a_lab_fits_on_a_terminal_of_a_hundred_columns_and_a_run_on_two_screens() {
    for (number, lab) in labs() {
        for line in printed(number, lab).lines() {
            assert!(line.chars().count() <= 100, "{number}: {line}");
            assert!(!line.ends_with(' ') && !line.contains(char::is_control), "{number}: {line:?}");
        }
        for run in [(lab.broken)(), (lab.kept)()] {
            let lines = text::run(&run, 0).lines().count();
            assert!((5..=64).contains(&lines), "{number}: {lines} lines");
        }
    }
}

#[test]
fn every_rule_stands_where_a_lab_says_and_is_explained_where_it_says() {
    let rules = source("src/reactor/rules.rs");
    let mut seen = BTreeSet::new();
    for (number, lab) in labs() {
        let Lab { rule, place: (file, function), chapter, rung, .. } = lab;
        assert!(seen.insert(rule), "{number}: {rule} has two labs");
        assert!(rules.contains(&format!("const {rule}: bool = true;")), "{rule}");
        let text = source(file);
        let begins = ["(", "<"].map(|next| text.find(&format!("fn {function}{next}")));
        let body = &text[begins.into_iter().flatten().min().expect(function)..];
        // Up to its own brace, which stands no deeper than the function.
        let ends = body.match_indices("\n}").chain(body.match_indices("\n    }\n"));
        let body = &body[..ends.map(|(at, _)| at).min().expect("an end")];
        assert!(body.contains(&format!("R::{rule}")), "{number}: no {rule} in {function}");
        assert!(source(chapter).starts_with("# "), "{number}: {chapter}");
        assert!(source(rung).starts_with("//! "), "{number}: {rung}");
    }
}

#[test]
fn people_have_their_names_in_the_timeline_and_no_address_is_left() {
    for (number, lab) in labs() {
        for run in [(lab.broken)(), (lab.kept)()] {
            let shown = text::run(&run, 0);
            assert!(!shown.contains("127.0.0.1"), "{number}: {shown}");
            assert!(run.lanes.len() > 2, "{number}");
        }
    }
}

#[test]
fn the_program_prints_the_table_and_each_lab() {
    let (code, table, stderr) = run(&["learn"]);
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    for (number, lab) in labs() {
        let row = table.lines().find(|line| line.contains(lab.rule)).expect(lab.rule);
        assert!(row.contains(&format!(" {number}  {}", lab.title)), "{row}");
        let (code, stdout, stderr) = run(&["learn", &number.to_string()]);
        assert_eq!((code, stderr.as_str()), (Some(0), ""), "{number}");
        assert_eq!(stdout, printed(number, lab), "{number}");
        assert_eq!(stdout.matches("\nWRONG: ").count(), 1, "{number}");
        assert_eq!(stdout.matches("\nRIGHT: ").count(), 1, "{number}");
    }
}

#[test]
fn a_lab_that_does_not_exist_is_named_in_one_line() {
    for number in ["99", "0", "x", "1.5"] {
        let (code, stdout, stderr) = run(&["learn", number]);
        assert_eq!((code, stdout.as_str()), (Some(2), ""));
        let labs = LABS.len();
        let told = format!(
            "error: invalid value '{number}' for '[N]': labs have the numbers 1 to {labs}\n"
        );
        assert_eq!(stderr, told);
    }
    let (code, _, stderr) = run(&["learn", "--html", "x"]);
    assert_eq!((code, stderr.lines().count()), (Some(2), 1), "{stderr}");
}

#[test]
fn the_run_with_the_mistake_can_be_had_as_a_page_and_as_a_trace() {
    let dir = tempfile::tempdir().expect("a directory");
    let (html, trace) = (dir.path().join("out.html"), dir.path().join("out.json"));
    let [html, trace] = [&html, &trace].map(|path| path.to_str().expect("text"));
    let (code, ..) = run(&["learn", "7", "--html", html, "--trace", trace]);
    assert_eq!(code, Some(0));
    let broken = (LABS[6].broken)();
    let page = fs::read_to_string(html).expect("a page");
    assert!(page.contains("Lab 7: ") && page.contains(&broken.verdict.words));
    assert_eq!(page.matches("{\"n\":").count(), broken.turns().count());
    let trace: Value =
        serde_json::from_str(&fs::read_to_string(trace).expect("one")).expect("JSON");
    let slices = trace["traceEvents"].as_array().expect("a list");
    let turns = slices.iter().filter(|slice| slice["cat"] == "turn").count();
    assert_eq!(turns, broken.turns().count());
    // A turn takes as long as its calls do, whatever is left out behind it.
    for (number, _) in labs() {
        let out = dir.path().join("each.json");
        let (code, ..) =
            run(&["learn", &number.to_string(), "--trace", out.to_str().expect("text")]);
        assert_eq!(code, Some(0));
        let trace: Value =
            serde_json::from_str(&fs::read_to_string(out).expect("one")).expect("JSON");
        for slice in trace["traceEvents"].as_array().expect("a list") {
            let micros = slice["dur"].as_f64().unwrap_or(0.0);
            assert!(slice["cat"] != "turn" || micros < 1_000.0, "{number}: {slice}");
        }
    }
    let (code, _, stderr) = run(&["learn", "1", "--html", "/nonexistent/out"]);
    assert_eq!(code, Some(1));
    assert_eq!(stderr, "error: /nonexistent/out: No such file or directory (os error 2)\n");
}
