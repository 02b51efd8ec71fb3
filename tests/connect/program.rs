//! The client as a process whose standard streams are pipes.

use std::io::{Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Instant;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

use crate::support::{PATIENCE, readily};

/// A running client.
pub(crate) struct Program {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Stream,
    stderr: Stream,
    /// What must be there as long as it runs.
    directory: Option<TempDir>,
}

/// What is left when a client has ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// `None`: killed by a signal.
    pub(crate) code: Option<i32>,
    /// What had not been read yet.
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

impl Program {
    /// Runs `readily connect` with these arguments.
    pub(crate) fn connect(args: &[&str]) -> Program {
        let mut command = readily();
        command.arg("connect").args(args).stdin(Stdio::piped());
        Program::spawn(command)
    }

    /// The same, with prompts.
    pub(crate) fn interactive(args: &[&str]) -> Program {
        Program::connect(&[&["--interactive"], args].concat())
    }

    /// Runs a command. Its stdout is to be read from here; its stdin is written to from here if it
    /// is a pipe.
    pub(crate) fn spawn(mut command: Command) -> Program {
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("spawns");
        let stdin = child.stdin.take();
        let stdout = Stream::of(child.stdout.take().expect("piped"));
        let stderr = Stream::of(child.stderr.take().expect("piped"));
        Program { child, stdin, stdout, stderr, directory: None }
    }

    /// Runs a command whose stdout nobody reads until [`read`](Program::read).
    pub(crate) fn unread(args: &[&str]) -> (Program, ChildStdout) {
        let mut command = readily();
        command.arg("connect").args(args).stdin(Stdio::piped());
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("spawns");
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().expect("piped");
        let stderr = Stream::of(child.stderr.take().expect("piped"));
        (
            Program { child, stdin, stdout: Stream::of(std::io::empty()), stderr, directory: None },
            stdout,
        )
    }

    /// Keeps a directory until it has ended.
    pub(crate) fn keep(&mut self, directory: TempDir) {
        self.directory = Some(directory);
    }

    /// Writes to its stdin.
    pub(crate) fn type_in(&mut self, text: impl AsRef<[u8]>) {
        let stdin = self.stdin.as_mut().expect("the input has not ended");
        stdin.write_all(text.as_ref()).expect("it reads");
    }

    /// Ends its input.
    pub(crate) fn end_input(&mut self) {
        drop(self.take_input());
    }

    /// The writing end of its stdin.
    pub(crate) fn take_input(&mut self) -> ChildStdin {
        self.stdin.take().expect("the input has not ended")
    }

    /// This must be what it prints next on stdout.
    pub(crate) fn expect(&mut self, text: impl AsRef<[u8]>) {
        let expected = text.as_ref();
        let got = self.stdout.read(expected.len());
        assert!(
            got == expected,
            "{:?} instead of {:?}; stderr: {:?}",
            shown(&got),
            shown(expected),
            shown(&self.stderr.so_far()),
        );
    }

    /// This must be what it prints next on stderr.
    pub(crate) fn expect_error(&mut self, text: &str) {
        let got = self.stderr.read(text.len());
        assert_eq!(shown(&got), text);
    }

    /// The next line on stderr, without its end.
    pub(crate) fn error_line(&mut self) -> String {
        let mut line = self.stderr.read_line();
        assert_eq!(line.pop(), Some(b'\n'), "{:?} ends in a line", shown(&line));
        String::from_utf8(line).expect("text")
    }

    /// The next line of the log on stderr, without the date and time that stand in front of it.
    pub(crate) fn log_line(&mut self) -> String {
        let line = self.error_line();
        unstamped(&line).to_owned()
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill(self.pid(), signal).expect("it runs");
    }

    /// The process id.
    pub(crate) fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).expect("a process id"))
    }

    /// Whether it still runs.
    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("it is our child").is_none()
    }

    /// Waits for its end, without ending its input.
    pub(crate) fn wait(mut self) -> Ended {
        let code = crate::bounded::wait(&mut self.child);
        let stderr = self.stderr.rest();
        let stderr = String::from_utf8(stderr).expect("text");
        Ended { code, stdout: self.stdout.rest(), stderr }
    }

    /// Waits for its end: exit code 0, and no more output.
    pub(crate) fn succeeds(self) {
        self.ends(0, "", "");
    }

    /// Waits for its end: this code, and exactly this output that was not read yet.
    pub(crate) fn ends(self, code: i32, stdout: impl AsRef<[u8]>, stderr: &str) {
        let ended = self.wait();
        assert_eq!(
            (ended.code, shown(&ended.stdout), ended.stderr.as_str()),
            (Some(code), shown(stdout.as_ref()), stderr)
        );
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// Runs a client to its end with this input: exit code, stdout, stderr.
pub(crate) fn run(args: &[&str], input: impl Into<Vec<u8>>) -> Ended {
    let mut program = Program::connect(args);
    let feeder = feed(program.take_input(), input.into());
    let ended = program.wait();
    feeder.join().expect("feeds");
    ended
}

/// Writes all of this to a pipe, from a thread of its own, and closes it.
pub(crate) fn feed(
    mut pipe: impl Write + Send + 'static,
    bytes: Vec<u8>,
) -> std::thread::JoinHandle<()> {
    std::thread::spawn(move || {
        // A client that ends does not read all of its input.
        let _ = pipe.write_all(&bytes);
    })
}

/// Without the date and time in front, which must be there.
pub(crate) fn unstamped(line: &str) -> &str {
    let (stamp, text) = line.split_at_checked(20).unwrap_or_else(|| panic!("no date in {line:?}"));
    let digits = stamp.replace(|character: char| character.is_ascii_digit(), "0");
    assert_eq!(digits, "0000/00/00 00:00:00 ", "{line:?}");
    text
}

/// For messages: bytes as text, and of long ones the start.
pub(crate) fn shown(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(4000)]).into_owned();
    if bytes.len() > 4000 { format!("{text}… ({} bytes)", bytes.len()) } else { text }
}

/// A pipe that a thread reads, so that one that is full never holds up the client, and that reading
/// from it never waits for ever.
struct Stream {
    chunks: Receiver<Vec<u8>>,
    pending: Vec<u8>,
    has_ended: bool,
}

impl Stream {
    fn of(mut pipe: impl Read + Send + 'static) -> Stream {
        let (sender, chunks) = channel();
        std::thread::spawn(move || {
            let mut buffer = vec![0; 64 * 1024];
            // A terminal whose other side is closed ends with an error.
            while let Ok(length @ 1..) = pipe.read(&mut buffer) {
                if sender.send(buffer[..length].to_vec()).is_err() {
                    break;
                }
            }
        });
        Stream { chunks, pending: Vec::new(), has_ended: false }
    }

    /// Waits for more; false when the end or the deadline has come instead.
    fn wait(&mut self, deadline: Instant) -> bool {
        match self.chunks.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(chunk) => {
                self.pending.extend(chunk);
                true
            }
            Err(RecvTimeoutError::Timeout) => false,
            Err(RecvTimeoutError::Disconnected) => {
                self.has_ended = true;
                false
            }
        }
    }

    /// So many bytes, or those that came before the end or the deadline.
    fn read(&mut self, length: usize) -> Vec<u8> {
        let deadline = Instant::now() + PATIENCE;
        while self.pending.len() < length && self.wait(deadline) {}
        self.pending.drain(..length.min(self.pending.len())).collect()
    }

    fn read_line(&mut self) -> Vec<u8> {
        let deadline = Instant::now() + PATIENCE;
        let mut seen = 0;
        loop {
            let end = self.pending[seen..].iter().position(|&byte| byte == b'\n');
            if let Some(end) = end {
                return self.pending.drain(..=seen + end).collect();
            }
            seen = self.pending.len();
            if !self.wait(deadline) {
                return std::mem::take(&mut self.pending);
            }
        }
    }

    /// Everything until the end.
    fn rest(&mut self) -> Vec<u8> {
        let deadline = Instant::now() + PATIENCE;
        while self.wait(deadline) {}
        assert!(self.has_ended, "a pipe is still open");
        std::mem::take(&mut self.pending)
    }

    fn so_far(&mut self) -> Vec<u8> {
        while self.wait(Instant::now()) {}
        self.pending.clone()
    }
}

/// The other side of a terminal: what is typed and what is shown.
pub(crate) struct Screen {
    master: std::fs::File,
    shown: Stream,
}

impl Screen {
    /// A pseudo-terminal's master side.
    pub(crate) fn of(master: std::fs::File) -> Screen {
        let shown = Stream::of(master.try_clone().expect("another descriptor"));
        Screen { master, shown }
    }

    pub(crate) fn type_in(&mut self, text: &str) {
        self.master.write_all(text.as_bytes()).expect("a terminal");
    }

    /// This must be what the terminal shows next.
    pub(crate) fn expect(&mut self, text: &str) {
        let got = self.shown.read(text.len());
        assert_eq!(shown(&got), text);
    }

    /// The next line that it shows, without its end.
    pub(crate) fn line(&mut self) -> String {
        let line = String::from_utf8(self.shown.read_line()).expect("text");
        line.strip_suffix("\r\n").unwrap_or_else(|| panic!("no line: {line:?}")).to_owned()
    }

    /// What it shows until its last user has gone.
    pub(crate) fn rest(&mut self) -> String {
        String::from_utf8(self.shown.rest()).expect("text")
    }
}
