//! A contender in a process of its own.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::Outcome;
use crate::contender::Contender;
use crate::runtime::Flavour;
use crate::url::{Scheme, Url};

/// How long a contender may take to notice that its stdin has ended.
const PATIENCE: Duration = Duration::from_secs(5);

/// A running contender; killed when dropped.
pub(super) struct Server {
    pub(super) url: Url,
    child: Child,
    stdin: Option<ChildStdin>,
    /// Where its UNIX socket is.
    _folder: TempDir,
}

impl Server {
    /// Starts a contender on a free port, or at a path that nobody else has.
    pub(super) fn start(
        contender: &Contender,
        scheme: Scheme,
        flavour: Flavour,
    ) -> Result<Server, String> {
        let folder = tempfile::tempdir().map_err(|error| format!("no folder: {error}"))?;
        let place = match scheme {
            Scheme::Unix => folder.path().join("socket"),
            Scheme::Ws => PathBuf::from("127.0.0.1:0/ws"),
            Scheme::Tcp | Scheme::Udp => PathBuf::from("127.0.0.1:0"),
        };
        let program = std::env::current_exe().map_err(|error| format!("who am I? {error}"))?;
        let mut child = Command::new(program)
            .arg(contender.name)
            .arg(format!("{}://{}", scheme.name(), place.display()))
            .args([flavour.name(), "--until-eof"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("does not start: {error}"))?;
        let stdin = child.stdin.take();
        let mut line = String::new();
        if let Some(stdout) = child.stdout.take() {
            BufReader::new(stdout).read_line(&mut line).map_err(|error| error.to_string())?;
        }
        let url = line.strip_prefix("listening on ").map(|url| url.trim_end().parse());
        match url {
            Some(Ok(url)) => Ok(Server { url, child, stdin, _folder: folder }),
            _ => {
                let _ = child.kill();
                let _ = child.wait();
                Err(format!("says {line:?} and not where it listens"))
            }
        }
    }

    /// Ends its stdin and waits for it to end, as it must when its driver is gone.
    pub(super) fn stop(&mut self) -> Outcome {
        self.stdin = None;
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) if status.success() => return Ok(()),
                Ok(Some(status)) => return Err(format!("ended with {status}")),
                Ok(None) if Instant::now() > deadline => {
                    return Err("goes on though its stdin has ended".to_owned());
                }
                Ok(None) => sleep(Duration::from_millis(2)),
                Err(error) => return Err(format!("cannot be waited for: {error}")),
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // An error means that it has ended, which is what this is for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
