//! Who may know whom: the layers of the crate, as a table that the sources are held to.
//!
//! ```text
//!   main, cli, console, transcript         the binary
//!     client, bench                        the other side; many of them
//!       timeline, recording, learn         turns to be looked at; a run in a file; labs
//!         config, server                   put the layers together
//!           reactor ── kernel              readiness; sockets, signals, clocks
//!             engine ── service ── pubsub  connections; answers; who gets what
//!               protocol ── access         conversations
//!                 codec                    bytes
//! ```
//!
//! Every `.rs` file under `src` is cut into tokens, without comments, literals and what is compiled
//! for tests only. Paths are made absolute (`super::`, `self::` and `use` trees), so that a rule
//! about `crate::engine` cannot be evaded by another spelling.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// What some files must not mention.
struct Rule {
    /// Prefixes of the paths of these files, from `src/` on; none: all.
    files: &'static [&'static str],
    /// Prefixes of paths that are exempt.
    except: &'static [&'static str],
    /// Words, or sequences of words with `::` between them, anywhere in a path.
    forbidden: &'static [&'static str],
    why: &'static str,
}

/// What would make a run another one each time.
const OF_THE_MACHINE: &[&str] = &[
    "mio",
    "socket2",
    "TcpStream",
    "UdpSocket",
    "UnixStream",
    "Instant",
    "SystemTime",
    "rand::rng",
    "rand::random",
    "thread_rng",
];

/// Those who look on at a kernel, or have a file of what was seen.
const LOOKING_ON: &[&str] =
    &["kernel/watched/", "kernel/tape/", "kernel/replay/", "recording/", "timeline/", "learn/"];

/// The clocks and the randomness of the machine, and its sockets.
const RULES: &[Rule] = &[
    Rule {
        files: &["codec/", "protocol/"],
        except: &[],
        forbidden: &[
            "mio",
            "std::net",
            "std::os",
            "socket2",
            "nix",
            "Instant",
            "SystemTime",
            "rand::rng",
            "rand::random",
            "thread_rng",
            "crate::engine",
            "crate::reactor",
            "crate::kernel",
            "crate::server",
            "crate::config",
            "crate::service",
        ],
        why: "codecs and protocols are pure: bytes and times are given to them",
    },
    Rule {
        files: &["codec/"],
        except: &[],
        forbidden: &["crate::protocol", "crate::access"],
        why: "a codec knows a format, not what it is used for",
    },
    Rule {
        files: &["service/"],
        except: &[],
        forbidden: &[
            "mio",
            "socket2",
            "nix",
            "std::net",
            "std::os",
            "crate::codec",
            "crate::kernel",
            "crate::reactor",
        ],
        why: "a service does not know which transport a message came by",
    },
    Rule {
        // The engine names peers by std::net::SocketAddr, which is plain data.
        files: &["engine/"],
        except: &[],
        forbidden: &[
            "mio",
            "socket2",
            "nix",
            "TcpStream",
            "UdpSocket",
            "TcpListener",
            "Instant::now",
            "SystemTime::now",
            "rand::rng",
            "rand::random",
            "thread_rng",
            "crate::kernel",
            "crate::reactor",
            "crate::config",
        ],
        why: "the engine has no sockets and is told the time",
    },
    Rule {
        files: &["pubsub/"],
        except: &[],
        forbidden: &[
            "mio",
            "socket2",
            "nix",
            "std::net",
            "std::os",
            "Instant",
            "SystemTime",
            "rand",
            "crate::codec",
            "crate::protocol",
            "crate::kernel",
            "crate::reactor",
            "crate::config",
            "crate::service",
            "Context",
        ],
        why: "topics know peers by name, and send nothing themselves",
    },
    Rule {
        files: &["kernel/"],
        except: &[],
        forbidden: &[
            "crate::engine",
            "crate::protocol",
            "crate::service",
            "crate::reactor",
            "crate::codec",
        ],
        why: "the kernel moves bytes and does not know what they mean",
    },
    Rule {
        files: &["kernel/sim/"],
        except: &[],
        forbidden: OF_THE_MACHINE,
        why: "what is simulated follows from its seed, and from nothing else",
    },
    Rule {
        files: LOOKING_ON,
        except: &[],
        forbidden: OF_THE_MACHINE,
        why: "what is shown or replayed follows from what was seen, and from nothing else",
    },
    Rule {
        files: &["kernel/sim/", "kernel/watched/", "kernel/tape/", "kernel/replay/", "recording/"],
        except: &[],
        forbidden: &["HashMap", "HashSet"],
        why: "the order of what is hashed is another one in each run",
    },
    Rule {
        files: LOOKING_ON,
        except: &[],
        forbidden: &["rand"],
        why: "chance is in the recording already, or in the simulated kernel",
    },
    Rule {
        files: &["reactor/"],
        except: &[],
        forbidden: &[
            "mio",
            "crate::codec",
            "crate::protocol",
            "crate::service",
            "Echo",
            "Count",
            "Random",
            "Discard",
            "TimeService",
        ],
        why: "the loop knows readiness; what is said over it is the engine's",
    },
    Rule {
        files: &[],
        except: &["learn/", "cli/learn.rs", "teach.rs"],
        forbidden: &["crate::learn", "readily::learn"],
        why: "a loop that is broken is for those who learn",
    },
    Rule {
        files: &["client/", "bench/"],
        // What processes use is asked of the system, and of the clock beside which they use it.
        except: &["bench/process.rs", "bench/run.rs"],
        forbidden: &["mio", "socket2", "nix", "std::net", "Instant::now", "SystemTime::now"],
        why: "a client is a service: its sockets are the kernel's, its time is the loop's",
    },
    Rule {
        files: &[],
        except: &[
            "main.rs",
            "serve.rs",
            "logging.rs",
            "cli.rs",
            "cli/",
            "console.rs",
            "console/",
            "transcript.rs",
            "transcript/",
            "connect.rs",
            "connect/",
            "measure.rs",
        ],
        forbidden: &["clap", "clap_complete", "env_logger"],
        why: "a program that embeds the library does without them",
    },
    Rule {
        files: &[],
        except: &["codec/websocket/deflate/zlib.rs"],
        forbidden: &["flate2"],
        why: "compression can be left out, and its sizes must not come from a peer",
    },
    Rule {
        files: &[],
        except: &[],
        forbidden: &["unsafe", "std::thread", "Rc<RefCell"],
        why: "there is one thread, plain ownership, and nothing unsafe",
    },
];

#[derive(Clone, PartialEq, Eq, Debug)]
enum Token {
    Word(String),
    /// Any other character; `::` is one.
    Sign(String),
}

/// A token and the number of its line.
type Placed = (Token, usize);

/// Cuts a source into tokens, without comments, literals and lifetimes.
fn tokens(source: &str) -> Vec<Placed> {
    let chars: Vec<char> = source.chars().collect();
    let at = |index: usize| chars.get(index).copied().unwrap_or('\0');
    let is_word = |c: char| c == '_' || c.is_alphanumeric();
    let (mut tokens, mut line, mut index) = (Vec::new(), 1, 0);
    while index < chars.len() {
        let start = index;
        let mut token = None;
        match at(index) {
            '/' if at(index + 1) == '/' => {
                while index < chars.len() && at(index) != '\n' {
                    index += 1;
                }
            }
            '/' if at(index + 1) == '*' => {
                let mut depth = 0;
                loop {
                    match (at(index), at(index + 1)) {
                        ('/', '*') => (depth, index) = (depth + 1, index + 2),
                        ('*', '/') => (depth, index) = (depth - 1, index + 2),
                        _ => index += 1,
                    }
                    if depth == 0 || index >= chars.len() {
                        break;
                    }
                }
            }
            '"' => index = end_of_string(&chars, index),
            '\'' if at(index + 1) == '\\' => {
                // `'\''` and `'\u{1f}'`: the quote behind what is escaped.
                index += 3;
                while index < chars.len() && at(index) != '\'' {
                    index += 1;
                }
                index += 1;
            }
            '\'' if at(index + 2) == '\'' => index += 3,
            '\'' => {
                index += 1;
                while is_word(at(index)) {
                    index += 1;
                }
            }
            c if is_word(c) => {
                while is_word(at(index)) {
                    index += 1;
                }
                let word: String = chars[start..index].iter().collect();
                let hashes = (index..).take_while(|index| at(*index) == '#').count();
                if matches!(&*word, "r" | "br" | "cr") && at(index + hashes) == '"' {
                    let end: String = format!("\"{}", "#".repeat(hashes));
                    let body = index + hashes + 1;
                    let end_at = (body..chars.len()).find(|at| {
                        end.chars().enumerate().all(|(step, c)| chars.get(at + step) == Some(&c))
                    });
                    index = end_at.map_or(chars.len(), |at| at + end.len());
                } else if !(matches!(&*word, "b" | "c") && matches!(at(index), '"' | '\'')) {
                    token = Some(Token::Word(word));
                }
            }
            ':' if at(index + 1) == ':' => {
                index += 2;
                token = Some(Token::Sign("::".to_owned()));
            }
            c => {
                index += 1;
                token = (!c.is_whitespace()).then(|| Token::Sign(c.to_string()));
            }
        }
        tokens.extend(token.map(|token| (token, line)));
        line += chars[start..index.min(chars.len())].iter().filter(|c| **c == '\n').count();
    }
    tokens
}

/// The index behind the string that begins at `start`.
fn end_of_string(chars: &[char], start: usize) -> usize {
    let mut index = start + 1;
    while index < chars.len() && chars[index] != '"' {
        index += if chars[index] == '\\' { 2 } else { 1 };
    }
    index + 1
}

fn is_sign(token: Option<&Placed>, sign: &str) -> bool {
    matches!(token, Some((Token::Sign(found), _)) if found == sign)
}

fn word(token: Option<&Placed>) -> Option<&str> {
    match token {
        Some((Token::Word(word), _)) => Some(word),
        _ => None,
    }
}

/// Drops every item behind `#[cfg(test)]`.
fn without_tests(tokens: &[Placed]) -> Vec<Placed> {
    let attribute = ["#", "[", "cfg", "(", "test", ")", "]"];
    let mut kept = Vec::new();
    let mut index = 0;
    while index < tokens.len() {
        let is_test = attribute.iter().enumerate().all(|(step, part)| {
            let token = tokens.get(index + step);
            is_sign(token, part) || word(token) == Some(part)
        });
        if !is_test {
            kept.push(tokens[index].clone());
            index += 1;
            continue;
        }
        index += attribute.len();
        // The item ends with its block, or where it has none, with a semicolon.
        let mut depth = 0;
        while index < tokens.len() {
            let token = tokens.get(index);
            index += 1;
            if ["{", "(", "["].iter().any(|open| is_sign(token, open)) {
                depth += 1;
            } else if ["}", ")", "]"].iter().any(|close| is_sign(token, close)) {
                depth -= 1;
                if depth == 0 && is_sign(token, "}") {
                    break;
                }
            } else if depth == 0 && is_sign(token, ";") {
                break;
            }
        }
    }
    kept
}

/// A path as it is written, all of its words, and the line of the last one.
type Mention = (Vec<String>, usize);

/// All paths in `tokens`, with trees such as `a::{b, c::d}` written out; a lone word is a path.
fn paths(tokens: &[Placed]) -> Vec<Mention> {
    let mut all = Vec::new();
    let mut index = 0;
    while index < tokens.len() {
        if word(tokens.get(index)).is_some() {
            index = path(tokens, index, &[], &mut all);
        } else {
            index += 1;
        }
    }
    all
}

/// Reads the path that begins at `index` and goes on from `prefix`; returns where it ends.
fn path(tokens: &[Placed], mut index: usize, prefix: &[String], all: &mut Vec<Mention>) -> usize {
    let mut words = prefix.to_vec();
    while let Some(next) = word(tokens.get(index)) {
        words.push(next.to_owned());
        let line = tokens[index].1;
        index += 1;
        if !is_sign(tokens.get(index), "::") {
            all.push((words, line));
            return index;
        }
        index += 1;
        if is_sign(tokens.get(index), "{") {
            index += 1;
            while index < tokens.len() && !is_sign(tokens.get(index), "}") {
                index = path(tokens, index, &words, all).max(index + 1);
            }
            return index + 1;
        }
    }
    // `a::*` and `a::<T>`: the path so far.
    if words.len() > prefix.len() {
        all.push((words, tokens[index.min(tokens.len()) - 1].1));
    }
    index
}

/// The words of the module that `file` (from `src/` on) is, from `crate` on.
fn module_of(file: &str) -> Vec<String> {
    let name = file.strip_suffix(".rs").expect("a Rust source");
    let name = name.strip_suffix("/mod").unwrap_or(name);
    let words = name.split('/').filter(|word| !matches!(*word, "lib" | "main"));
    ["crate"].into_iter().chain(words).map(str::to_owned).collect()
}

/// `path` with `self` and `super` replaced, as seen from `module`.
fn absolute(module: &[String], path: &[String]) -> Vec<String> {
    let mut base = module.to_vec();
    let is_up = |word: &&String| *word == "super";
    match path.first().map(String::as_str) {
        Some("self") => {}
        Some("super") => base.truncate(base.len() - path.iter().take_while(is_up).count()),
        _ => return path.to_vec(),
    }
    base.extend(path.iter().skip_while(|word| matches!(word.as_str(), "self" | "super")).cloned());
    base
}

/// Whether a rule is about a file.
fn applies(rule: &Rule, file: &str) -> bool {
    let is_among = |prefixes: &[&str]| prefixes.iter().any(|prefix| file.starts_with(prefix));
    (rule.files.is_empty() || is_among(rule.files)) && !is_among(rule.except)
}

/// The violations in one file, each a line for people.
fn check(file: &str, source: &str) -> BTreeSet<String> {
    let tokens = without_tests(&tokens(source));
    let module = module_of(file);
    let mentions: Vec<Mention> =
        paths(&tokens).into_iter().map(|(path, line)| (absolute(&module, &path), line)).collect();
    let mut found = BTreeSet::new();
    for rule in RULES.iter().filter(|rule| applies(rule, file)) {
        for forbidden in rule.forbidden {
            let lines: Vec<usize> = match forbidden.split_once('<') {
                Some((outer, inner)) => tokens
                    .windows(3)
                    .filter(|three| {
                        word(three.first()) == Some(outer)
                            && is_sign(three.get(1), "<")
                            && word(three.get(2)) == Some(inner)
                    })
                    .map(|three| three[0].1)
                    .collect(),
                None => {
                    let words: Vec<&str> = forbidden.split("::").collect();
                    let is_mention = |(path, _): &&Mention| {
                        path.windows(words.len()).any(|window| window == words)
                    };
                    mentions.iter().filter(is_mention).map(|(_, line)| *line).collect()
                }
            };
            let why = rule.why;
            found.extend(
                lines
                    .iter()
                    .map(|line| format!("src/{file}:{line}: mentions `{forbidden}`, but {why}")),
            );
        }
    }
    found
}

/// Every source of the crate but files and folders of tests, as its path from `src/` on.
fn sources(root: &Path) -> Vec<PathBuf> {
    let mut folders = vec![root.to_owned()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of sources") {
            let path = entry.expect("an entry").path();
            if path.file_stem().is_some_and(|name| name == "tests") {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

#[test]
fn every_source_keeps_to_its_layer() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let files = sources(&root);
    let mut found = Vec::new();
    for rule in RULES {
        for prefix in rule.files {
            let exists = files
                .iter()
                .any(|file| file.strip_prefix(&root).is_ok_and(|file| file.starts_with(prefix)));
            assert!(exists, "a rule is about {prefix}, where there are no sources");
        }
    }
    for path in &files {
        let file = path.strip_prefix(&root).expect("it is in there").to_str().expect("text");
        found.extend(check(file, &fs::read_to_string(path).expect("a source")));
    }
    assert!(found.is_empty(), "the layers are mixed:\n{}", found.join("\n"));
}

#[test]
fn each_entry_of_the_table_is_enforced() {
    for rule in RULES {
        let files =
            if rule.files.is_empty() { &["address.rs", "engine/core.rs"] } else { rule.files };
        for prefix in files {
            let file = if prefix.ends_with('/') {
                format!("{prefix}deep/file.rs")
            } else {
                (*prefix).to_owned()
            };
            for forbidden in rule.forbidden {
                let source = format!("//! A module.\n\nfn f() {{\n    {forbidden}>::x();\n}}\n");
                let expected = format!("src/{file}:4: mentions `{forbidden}`, but {}", rule.why);
                assert!(check(&file, &source).contains(&expected), "not found: {expected}");
            }
        }
    }
}

#[test]
fn no_spelling_evades_the_table_and_what_is_no_code_does_not_count() {
    for (file, source) in [
        ("codec/a.rs", "use crate::{buffer::Buffer, engine::{self, Limits}};"),
        ("codec/a.rs", "use crate::{\n    buffer,\n    engine,\n};"),
        ("codec/a.rs", "use super::super::engine;"),
        ("codec/http/mod.rs", "use super::super::engine::*;"),
        ("codec/http/a.rs", "use super::super::super::{engine as e};"),
        ("codec/a.rs", "use std::{io, net::TcpStream};"),
        ("codec/a.rs", "fn f(x: &'a str) -> ::std::net::IpAddr {}"),
        ("codec/a.rs", "#[cfg(test)]\nmod tests { fn f() { '}'; \"}\"; } }\nuse mio::Token;"),
        ("codec/a.rs", "#[cfg(test)]\nuse std::io;\nuse mio::Token;"),
        ("codec/a.rs", "/* /* */ */ use mio::Token;"),
        ("codec/a.rs", "const A: &str = r#\"\"//\"#; use mio::Token;"),
        ("codec/a.rs", "const A: [u8; 1] = [b'\"']; use mio::Token; const B: char = '\"';"),
        ("codec/a.rs", "const A: char = '\\''; use mio::Token;"),
        ("engine/a.rs", "let now = std::time::Instant::now();"),
        ("server.rs", "type A = std::rc::Rc<std::cell::RefCell<u8>>; type B = Rc<RefCell<u8>>;"),
        ("server.rs", "use clap::Parser;"),
    ] {
        assert!(!check(file, source).is_empty(), "{source}");
    }
    for (file, source) in [
        ("codec/a.rs", "/// See [`mio`](crate::engine).\n// unsafe\n/* mio /* unsafe */ mio */"),
        ("codec/a.rs", "const A: &str = \"mio \\\" unsafe\"; const B: &[u8] = br##\"mio\"# \"##;"),
        (
            "codec/a.rs",
            "#[cfg(test)]\nmod tests {\n    use crate::engine;\n    fn f() { mio(); }\n}",
        ),
        ("codec/a.rs", "#[cfg(test)]\nmod tests;\n"),
        ("codec/a.rs", "#![forbid(unsafe_code)]\nlet mio_like = amio::simio;"),
        ("codec/http/a.rs", "use super::super::line; use self::engine::A; use crate::codec::x;"),
        ("engine/a.rs", "use std::net::SocketAddr; use crate::protocol::Protocol;"),
        ("kernel/mio.rs", "use mio::Token; use super::Kernel;"),
        ("cli/a.rs", "use clap::Parser;"),
    ] {
        assert_eq!(check(file, source), BTreeSet::new(), "{source}");
    }
}
