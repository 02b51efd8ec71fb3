//! Files that turns are written to: a trace and a page.

use std::fs::File;
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

use readily::timeline::page::Page;
use readily::timeline::trace::Trace;
use readily::timeline::{Lane, Turn};

use crate::console;

/// Those that were asked for.
pub(crate) struct Outputs {
    trace: Option<(Trace<BufWriter<File>>, PathBuf)>,
    page: Option<(Page, PathBuf)>,
}

impl Outputs {
    /// Begins what was asked for.
    pub(crate) fn open(html: Option<&Path>, trace: Option<&Path>) -> Result<Outputs, String> {
        let trace = trace.map(|path| {
            let trace = File::create(path).and_then(|file| Trace::new(BufWriter::new(file)));
            Ok::<_, String>((trace.map_err(|error| told(path, &error))?, path.to_owned()))
        });
        let page = html.map(|path| (Page::new(), path.to_owned()));
        Ok(Outputs { trace: trace.transpose()?, page })
    }

    /// Whether nothing was.
    pub(crate) fn is_empty(&self) -> bool {
        self.trace.is_none() && self.page.is_none()
    }

    /// Appends a turn.
    pub(crate) fn turn(&mut self, turn: &Turn, lanes: &[Lane]) -> Result<(), String> {
        if let Some((trace, path)) = &mut self.trace {
            trace.turn(turn, lanes).map_err(|error| told(path, &error))?;
        }
        if let Some((page, _)) = &mut self.page {
            page.turn(turn);
        }
        Ok(())
    }

    /// Writes what is left.
    pub(crate) fn finish(self, lanes: &[Lane], title: &str, outcome: &str) -> Result<(), String> {
        if let Some((trace, path)) = self.trace {
            trace.finish().map_err(|error| told(&path, &error))?;
        }
        if let Some((page, path)) = self.page {
            if page.left_out() > 0 {
                let (path, count) = (path.display(), page.left_out());
                console::print(&format!("{path}: {count} later turns are left out\n"));
            }
            let html = page.finish(lanes, title, outcome);
            std::fs::write(&path, html).map_err(|error| told(&path, &error))?;
        }
        Ok(())
    }
}

fn told(path: &Path, error: &io::Error) -> String {
    format!("{}: {error}", path.display())
}
