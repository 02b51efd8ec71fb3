//! What the book names exists: files, functions and constants, the values of constants, and options with
//! their defaults. Names that are quoted are held to that by their form:
//!
//! ```text
//!   `src/reactor/turn.rs`     begins with a folder of the repository: a path
//!   `Reactor::turn`           a type of ours, and a function, constant or variant of it
//!   `SLOTS` (1,024)           in capitals, with a number behind it: a constant, and its value
//!   `--linger 1s`             an option of `readily`, and its default
//! ```

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use readily::learn::LABS;

use super::pages::{pages, root};

/// Names of systems that are written like our constants.
const OF_SYSTEMS: &[&str] = &["EAGAIN", "EPOLL", "IP_PKTINFO", "MSG_TRUNC", "SCM_", "SOCK_"];

/// A source file of the crate: its text, its words, and those that stand behind a keyword.
struct Source {
    text: String,
    words: HashSet<String>,
    defined: HashSet<(String, String)>,
}

impl Source {
    fn read(path: &Path) -> Source {
        let text = fs::read_to_string(path).expect("a source");
        let split = text.split(|c: char| c != '_' && !c.is_alphanumeric());
        let all: Vec<_> = split.filter(|word| !word.is_empty()).map(str::to_owned).collect();
        let pairs = all.iter().zip(all.iter().skip(1));
        let defined = pairs.map(|(keyword, name)| (keyword.clone(), name.clone())).collect();
        Source { text, words: all.into_iter().collect(), defined }
    }

    /// Whether it has one of `keywords` and `name` behind it.
    fn defines(&self, keywords: &[&str], name: &str) -> bool {
        let mut pairs = keywords.iter().map(|&keyword| (keyword.to_owned(), name.to_owned()));
        pairs.any(|pair| self.defined.contains(&pair))
    }
}

/// Every source file of the crate.
fn sources() -> &'static [Source] {
    static SOURCES: OnceLock<Vec<Source>> = OnceLock::new();
    SOURCES.get_or_init(|| {
        let (mut sources, mut folders) = (Vec::new(), vec![root().join("src")]);
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).expect("a folder") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    sources.push(Source::read(&path));
                }
            }
        }
        sources
    })
}

#[test]
fn every_path_exists() {
    let folders = ["src", "tests", "benches", "examples", "docs", "web", "fuzz", ".ci"];
    let mut count = 0;
    for page in pages() {
        for (name, _) in page.quoted() {
            let is_document = name.ends_with(".md") && !name.contains(' ');
            let first = name.split('/').next().unwrap_or_default();
            if is_document || (name.contains('/') && folders.contains(&first)) {
                assert!(root().join(&name).exists(), "{:?}: no {name}", page.path);
                count += 1;
            }
        }
    }
    assert!(count > 30, "{count}");
}

#[test]
fn every_function_and_constant_of_a_type_exists() {
    let types = ["struct", "enum", "trait", "type"];
    let items = ["fn", "const"];
    let mut count = 0;
    for page in pages() {
        for (name, _) in page.quoted() {
            let Some((owner, item)) = name.split_once("::") else { continue };
            if !owner.starts_with(char::is_uppercase) || name.contains(char::is_whitespace) {
                continue;
            }
            let is_type = sources().iter().any(|source| source.defines(&types, owner));
            assert!(is_type, "{:?}: no type {owner}", page.path);
            let has_item = sources()
                .iter()
                .any(|source| source.defines(&items, item) && source.words.contains(owner));
            assert!(has_item, "{:?}: {owner} has no {item}", page.path);
            count += 1;
        }
    }
    assert!(count > 15, "{count}");
}

#[test]
fn every_size_is_asserted_in_the_sources() {
    let mut count = 0;
    for page in pages() {
        for (name, _) in page.quoted() {
            if name.starts_with("size_of") {
                let asserted = format!("const _: () = assert!({name}");
                let is_there = sources().iter().any(|source| source.text.contains(&asserted));
                assert!(is_there, "{:?}: nobody asserts {name}", page.path);
                count += 1;
            }
        }
    }
    assert!(count >= 2, "{count}");
}

/// What is said of tokio was looked up in the sources of one version.
#[test]
fn the_tokio_that_is_described_is_the_one_that_is_measured() {
    let lock = fs::read_to_string(root().join("Cargo.lock")).expect("the lock");
    let (_, version) = lock.split_once("name = \"tokio\"\nversion = \"").expect("tokio");
    let version: Vec<_> = version.split(['.', '"']).take(2).collect();
    let text = fs::read_to_string(root().join("docs/book/tokio.md")).expect("a chapter");
    assert!(text.contains(&format!("(tokio {})", version.join("."))), "{version:?}");
}

#[test]
fn the_steps_of_a_turn_stand_there_in_their_order() {
    let code = fs::read_to_string(root().join("src/reactor/turn.rs")).expect("the turn");
    let (_, turn) = code.split_once("pub fn turn(").expect("a turn");
    let (turn, _) = turn.split_once("\n    }\n").expect("its end");
    let page = pages().into_iter().find(|page| page.path.ends_with("turn.md")).expect("a chapter");
    let quoted = page.quoted();
    let steps = quoted.iter().filter_map(|(name, _)| name.split_once("::"));
    let steps: Vec<_> =
        steps.filter(|(owner, step)| *owner != "Rules" && *step != "turn").collect();
    assert_eq!(steps.len(), 8, "{steps:?}");
    let mut left = turn;
    for (_, step) in steps {
        let (_, rest) = left.split_once(&format!(".{step}(")).unwrap_or_else(|| panic!("{step}"));
        left = rest;
    }
}

/// The value of a constant of ours that is a number or a product of some.
fn value_of(constant: &str) -> Option<u64> {
    let needle = format!("const {constant}: ");
    let source = sources().iter().find(|source| source.text.contains(&needle))?;
    let (_, definition) = source.text.split_once(&needle)?;
    let (_, value) = definition.split(';').next()?.split_once(" = ")?;
    value.split('*').map(|factor| factor.trim().replace('_', "").parse::<u64>().ok()).product()
}

#[test]
fn every_constant_has_the_value_that_is_told() {
    let (mut named, mut told) = (0, 0);
    for page in pages() {
        for (name, behind) in page.quoted() {
            let letters = |c: char| c == '_' || c.is_ascii_uppercase() || c.is_ascii_digit();
            if name.len() < 5 || !name.chars().all(letters) || name == "STOP" {
                continue;
            }
            if OF_SYSTEMS.iter().any(|prefix| name.starts_with(prefix)) {
                continue;
            }
            let is_there = sources().iter().any(|source| source.defines(&["const"], &name));
            assert!(is_there, "{:?}: no constant {name}", page.path);
            named += 1;
            let Some((number, _)) = behind.strip_prefix(" (").and_then(|rest| rest.split_once(')'))
            else {
                continue;
            };
            let number: u64 = number.replace(',', "").parse().expect("a number in parentheses");
            assert_eq!(value_of(&name), Some(number), "{:?}: {name}", page.path);
            told += 1;
        }
    }
    assert!(named > 8 && told > 8, "{named}, {told}");
}

/// The help of a command, with one space between words.
fn help(command: &str) -> String {
    let mut program = Command::new(env!("CARGO_BIN_EXE_readily"));
    let help = program.args([command, "--help"]).output().expect("the program").stdout;
    let help = String::from_utf8(help).expect("text");
    help.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether `help` has an option, with this default if one is told.
fn has_option(help: &str, name: &str, default: Option<&str>) -> bool {
    let mut ends = help.match_indices(name).map(|(position, _)| position + name.len());
    ends.any(|end| {
        let entry = &help[end..];
        // A default behind the next option is not its own.
        let own = entry.split_once("[default: ").filter(|(before, _)| !before.contains(" --"));
        let told = own.and_then(|(_, behind)| behind.split([']', ',']).next());
        !entry.starts_with(|c: char| c == '-' || c.is_alphanumeric())
            && default.is_none_or(|default| told == Some(default))
    })
}

#[test]
fn every_option_exists_and_has_the_default_that_is_told() {
    let helps = ["serve", "connect", "bench", "replay"].map(help);
    let (mut named, mut told) = (0, 0);
    for page in pages() {
        let quoted = page.quoted().into_iter().map(|(name, _)| name);
        let typed = page.fences().into_iter().filter(|(language, _)| *language == "sh");
        let typed = typed.flat_map(|(_, text)| text.lines().map(str::to_owned).collect::<Vec<_>>());
        for name in quoted.chain(typed) {
            let words: Vec<_> = name.split(' ').collect();
            let is_ours = words[0].starts_with("--") || words[0] == "readily";
            for word in words.iter().filter(|word| is_ours && word.starts_with("--")) {
                let option = word.split('=').next().unwrap_or_default();
                let default = (words.len() == 2 && words[0] == *word).then(|| words[1]);
                let is_known = helps.iter().any(|help| has_option(help, option, default));
                assert!(is_known, "{:?}: no {name}", page.path);
                named += 1;
                told += usize::from(default.is_some());
            }
        }
    }
    assert!(named > 10 && told > 8, "{named}, {told}");
}

#[test]
fn every_chapter_names_the_labs_that_break_its_rules_and_no_other() {
    for page in pages() {
        let quoted = page.quoted();
        let named = quoted.iter().filter_map(|(name, _)| name.strip_prefix("readily learn "));
        let named: BTreeSet<usize> = named.map(|number| number.parse().expect("a lab")).collect();
        let labs = (1..).zip(LABS).filter(|(_, lab)| page.path == root().join(lab.chapter));
        let labs: Vec<_> = labs.collect();
        assert_eq!(named, labs.iter().map(|(number, _)| *number).collect(), "{:?}", page.path);
        for (_, lab) in labs {
            let rule = format!("Rules::{}", lab.rule);
            assert!(quoted.iter().any(|(name, _)| *name == rule), "{:?}: no {rule}", page.path);
        }
    }
    assert!(LABS.iter().all(|lab| root().join(lab.chapter).exists()), "a lab has no chapter");
}

#[test]
fn every_target_of_cargo_exists() {
    let mut names = BTreeSet::new();
    for page in pages() {
        let words: Vec<_> = page.text.split(|c: char| c.is_whitespace() || c == '`').collect();
        for (option, name) in words.iter().zip(&words[1..]) {
            let folder = match *option {
                "--bench" => "benches",
                "--example" => "examples",
                "--test" => "tests",
                _ => continue,
            };
            let is_there = |path: &Path| path.with_extension("rs").exists() || path.is_dir();
            assert!(is_there(&root().join(folder).join(name)), "{:?}: no {name}", page.path);
            names.insert((*name).to_owned());
        }
    }
    assert!(names.len() >= 3, "{names:?}");
}
