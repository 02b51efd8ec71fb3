//! What is made of the turns: a trace, a page, and text for who steps through them.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use readily::timeline::page::Page;
use readily::timeline::trace::Trace;
use readily::timeline::{Lane, Turn, text};

use super::keys::{Key, Keys};
use crate::cli::ReplayArgs;
use crate::console;

/// Everything that was asked for.
pub(super) struct Views {
    trace: Option<(Trace<BufWriter<File>>, PathBuf)>,
    page: Option<(Page, PathBuf)>,
    steps: Option<Steps>,
}

impl Views {
    /// Opens what was asked for; `None`: nothing was.
    pub(super) fn open(args: &ReplayArgs) -> Result<Option<Views>, String> {
        if args.trace.is_none() && args.html.is_none() && !args.step {
            return Ok(None);
        }
        let trace = args.trace.clone().map(|path| {
            let file = File::create(&path).map_err(|error| told(&path, &error))?;
            let trace = Trace::new(BufWriter::new(file)).map_err(|error| told(&path, &error))?;
            Ok::<_, String>((trace, path))
        });
        Ok(Some(Views {
            trace: trace.transpose()?,
            page: args.html.clone().map(|path| (Page::new(), path)),
            steps: args.step.then(Steps::new),
        }))
    }

    /// Shows a turn. Returns whether to go on.
    pub(super) fn turn(&mut self, turn: &Turn, lanes: &[Lane]) -> Result<bool, String> {
        if let Some((trace, path)) = &mut self.trace {
            trace.turn(turn, lanes).map_err(|error| told(path, &error))?;
        }
        if let Some((page, _)) = &mut self.page {
            page.turn(turn);
        }
        // Who quits is done with looking, not with what is written.
        if let Some(steps) = &mut self.steps
            && !steps.show(text::turn(turn, lanes))
        {
            self.steps = None;
        }
        Ok(self.steps.is_some() || self.trace.is_some() || self.page.is_some())
    }

    /// Writes what is left.
    pub(super) fn finish(self, lanes: &[Lane], title: &str, outcome: &str) -> Result<(), String> {
        if let Some((trace, path)) = self.trace {
            trace.finish().map_err(|error| told(&path, &error))?;
        }
        if let Some((page, path)) = self.page {
            let html = page.finish(lanes, title, outcome);
            std::fs::write(&path, html).map_err(|error| told(&path, &error))?;
        }
        Ok(())
    }
}

fn told(path: &Path, error: &io::Error) -> String {
    format!("{}: {error}", path.display())
}

/// Turns at a terminal, forward and back.
struct Steps {
    keys: Option<Keys>,
    texts: Vec<String>,
}

impl Steps {
    fn new() -> Steps {
        Steps { keys: Keys::new(), texts: Vec::new() }
    }

    /// Prints a turn, and waits until somebody wants to see the next one. Returns whether somebody does.
    fn show(&mut self, text: String) -> bool {
        let is_printed = print(&text);
        let Some(keys) = &mut self.keys else { return is_printed };
        self.texts.push(text);
        let last = self.texts.len() - 1;
        let mut at = last;
        loop {
            let is_prompted = io::stdout().is_terminal();
            if is_prompted {
                console::print("-- space: the next turn, b: back, g: all, q: quit\r");
            }
            let key = keys.next();
            if is_prompted {
                // The prompt goes where it stood.
                console::print("\x1b[K");
            }
            match key {
                Key::Next if at == last => return true,
                Key::Next => at += 1,
                Key::Back => at = at.saturating_sub(1),
                Key::All => {
                    self.keys = None;
                    return true;
                }
                Key::Quit => return false,
            }
            if !print(&self.texts[at]) {
                return false;
            }
        }
    }
}

/// Prints on stdout. Returns whether somebody reads it.
fn print(text: &str) -> bool {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).is_ok()
}
