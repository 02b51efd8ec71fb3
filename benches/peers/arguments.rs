//! The command line.

use crate::contender::{CONTENDERS, Contender};
use crate::runtime::Flavour;
use crate::url::Url;

/// What is asked for.
#[derive(Debug)]
pub(crate) enum Command {
    /// Print the contenders.
    List,
    /// Hold each of them to every byte.
    Check,
    /// Be one of them.
    Serve { contender: &'static Contender, url: Url, flavour: Flavour, until_eof: bool },
}

/// Reads the arguments behind the name of the program. An error is one line for people.
pub(crate) fn parse(arguments: impl Iterator<Item = String>) -> Result<Command, String> {
    let mut until_eof = false;
    let mut words = Vec::new();
    for argument in arguments {
        match argument.as_str() {
            // What `cargo bench` passes to every bench.
            "--bench" => {}
            "--until-eof" => until_eof = true,
            option if option.starts_with("--") => return Err(format!("unknown option {option}")),
            _ => words.push(argument),
        }
    }
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        // A plain `cargo bench` runs everything that there is, and must come to an end.
        [] | ["list"] => Ok(Command::List),
        ["check"] => Ok(Command::Check),
        [name, url, flavour] => {
            let contender = CONTENDERS
                .iter()
                .find(|contender| contender.name == name)
                .ok_or_else(|| format!("no contender is called {name} (see `peers list`)"))?;
            let url: Url = url.parse()?;
            let flavour: Flavour = flavour.parse()?;
            contender.accepts(url.scheme(), flavour)?;
            Ok(Command::Serve { contender, url, flavour, until_eof })
        }
        _ => Err("expected `list`, `check`, or CONTENDER URL RUNTIME [--until-eof]".to_owned()),
    }
}
