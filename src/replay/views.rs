//! What is made of the turns: files, and text for who steps through them.

use std::io::{self, IsTerminal as _, Write as _};

use readily::timeline::{Lane, Turn, text};

use super::keys::{Key, Keys};
use crate::cli::ReplayArgs;
use crate::console;
use crate::outputs::Outputs;

/// Everything that was asked for.
pub(super) struct Views {
    outputs: Outputs,
    steps: Option<Steps>,
}

impl Views {
    /// Opens what was asked for; `None`: nothing was.
    pub(super) fn open(args: &ReplayArgs) -> Result<Option<Views>, String> {
        let outputs = Outputs::open(args.html.as_deref(), args.trace.as_deref())?;
        let views = Views { outputs, steps: args.step.then(Steps::new) };
        Ok(views.is_wanted().then_some(views))
    }

    fn is_wanted(&self) -> bool {
        self.steps.is_some() || !self.outputs.is_empty()
    }

    /// Shows a turn. Returns whether to go on.
    pub(super) fn turn(&mut self, turn: &Turn, lanes: &[Lane]) -> Result<bool, String> {
        self.outputs.turn(turn, lanes)?;
        // Who quits is done with looking, not with what is written.
        if let Some(steps) = &mut self.steps
            && !steps.show(text::turn(turn, lanes))
        {
            self.steps = None;
        }
        Ok(self.is_wanted())
    }

    /// Writes what is left.
    pub(super) fn finish(self, lanes: &[Lane], title: &str, outcome: &str) -> Result<(), String> {
        self.outputs.finish(lanes, title, outcome)
    }
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
