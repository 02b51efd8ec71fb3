//! A kernel whose answers are written down.
//!
//! A [`Recorder`] looks on a [`Watched`] kernel and writes each step to a [tape](super::tape).
//!
//! What happens in a turn is gathered in memory and written before the loop waits, in one piece. A
//! loop that does not wait is written for when 64 KiB have come together. So a turn costs one write to
//! the page cache, and what a killed process has lost is the turn it was in, at most 64 KiB of them
//! under load. A process that panics loses nothing, if its panic hook calls
//! [`rescue`](Recorder::rescue); for that, and only for that, a recorder can be cloned.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use log::warn;

use super::Signal;
use super::tape::frame::{HEADER_BYTES, header};
use super::tape::{Call, Last, entry};
use super::watched::{Onlooker, Step, Watched};

/// A kernel that is recorded.
pub type Recording<K> = Watched<K, Recorder>;

/// A frame that has become longer than this ends, wherever in a turn.
const FRAME_BYTES: usize = 1024 * 1024;

/// So much is written although the loop does not wait.
const BATCH_BYTES: usize = 64 * 1024;

/// Room for the frame that ends a recording, whichever it is: [`Call::Stop`] is its number and two more.
const END_BYTES: usize = HEADER_BYTES + 3;

/// Payload bytes are what people said to the server.
const MODE: u32 = 0o600;

/// Writes down what it sees.
#[derive(Clone, Debug)]
pub struct Recorder(Arc<Mutex<Log>>);

/// The file, and what is yet to be written to it.
#[derive(Debug)]
struct Log {
    /// `None` from the moment on in which recording has ended.
    file: Option<File>,
    path: PathBuf,
    /// Sealed frames, and behind them the open one.
    buffer: Vec<u8>,
    /// Where the open frame begins.
    frame: usize,
    written: u64,
    limit: u64,
    /// What is not to be said again.
    last: Last,
}

impl Recorder {
    /// Makes the file at `path`, readable by its owner only, and writes `head` into it. No more than
    /// `limit` bytes are written (but always `head`, and a mark at the end).
    ///
    /// # Errors
    /// If there is something at the path ([`AlreadyExists`](io::ErrorKind::AlreadyExists)), or the
    /// file cannot be made.
    pub fn create(path: &Path, limit: u64, head: &[u8]) -> io::Result<Recorder> {
        let file = OpenOptions::new().write(true).create_new(true).mode(MODE).open(path)?;
        Recorder::begin(file, path, limit, head)
    }

    /// Writes `head` into a file that is new.
    fn begin(mut file: File, path: &Path, limit: u64, head: &[u8]) -> io::Result<Recorder> {
        // Whatever the umask is.
        let begun = file.set_permissions(Permissions::from_mode(MODE));
        if let Err(error) = begun.and_then(|()| file.write_all(head)) {
            // Nothing is recorded in it, and it is in the way of the next start.
            let _ = fs::remove_file(path);
            return Err(error);
        }
        Ok(Recorder::over(file, path, limit, head.len() as u64))
    }

    /// Records to a file in which so much is `written`.
    fn over(file: File, path: &Path, limit: u64, written: u64) -> Recorder {
        Recorder(Arc::new(Mutex::new(Log {
            file: Some(file),
            path: path.to_owned(),
            buffer: vec![0; HEADER_BYTES],
            frame: 0,
            written,
            limit,
            last: Last::default(),
        })))
    }

    /// Ends the recording: the loop has stopped, because a signal or somebody else asked for it.
    pub fn finish(&self, by: Option<Signal>, at_once: bool) {
        let mut log = self.log();
        log.seal(false);
        log.end_with(Call::Stop { by, at_once });
    }

    /// Writes what there is of a run that ends in the middle: the process panics, or the loop has
    /// failed.
    pub fn rescue(&self) {
        if let Ok(mut log) = self.0.try_lock() {
            log.rescue();
        }
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Onlooker for Recorder {
    fn before_wait(&mut self, timeout: Option<Duration>) {
        self.log().seal(timeout != Some(Duration::ZERO));
    }

    #[inline]
    fn see(&mut self, step: Step<'_>) {
        let mut log = self.log();
        if log.file.is_some() {
            let Log { buffer, last, .. } = &mut *log;
            entry::put(buffer, &step, last);
            if log.buffer.len() - log.frame > FRAME_BYTES {
                log.seal(false);
            }
        }
    }
}

impl Log {
    /// Ends the open frame, and writes what there is if that is much or the loop `will_wait`.
    fn seal(&mut self, will_wait: bool) {
        if self.file.is_none() {
            return;
        }
        self.end_frame();
        // What ends the recording has to fit, too.
        let end = self.written + (self.buffer.len() + END_BYTES) as u64;
        if end > self.limit {
            self.buffer.truncate(self.frame);
            self.begin_frame();
            self.end_with(Call::Cut);
            let (path, limit) = (self.path.display(), self.limit);
            warn!("the recording {path} has come to its limit of {limit} bytes and ends here");
            return;
        }
        if will_wait || self.buffer.len() >= BATCH_BYTES {
            self.write();
        }
        self.begin_frame();
    }

    /// Ends the recording with a call that has no answer.
    fn end_with(&mut self, call: Call) {
        if self.file.is_some() {
            call.encode(&mut self.buffer);
            self.rescue();
        }
    }

    /// Writes what there is, and nothing more.
    fn rescue(&mut self) {
        if self.file.is_some() {
            self.end_frame();
            self.write();
            self.file = None;
        }
    }

    fn begin_frame(&mut self) {
        self.frame = self.buffer.len();
        self.buffer.resize(self.frame + HEADER_BYTES, 0);
        self.last.begin_frame();
    }

    fn end_frame(&mut self) {
        let (head, entries) = self.buffer[self.frame..].split_at_mut(HEADER_BYTES);
        head.copy_from_slice(&header(entries));
    }

    /// Writes what there is. Where that cannot be, the recording ends.
    fn write(&mut self) {
        let Some(file) = &mut self.file else { return };
        if let Err(error) = file.write_all(&self.buffer) {
            warn!("the recording {} ends here: {error}", self.path.display());
            self.file = None;
        }
        self.written += self.buffer.len() as u64;
        self.buffer.clear();
        self.buffer.shrink_to(FRAME_BYTES);
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.rescue();
    }
}

#[cfg(test)]
mod tests {
    use super::super::sim::Sim;
    use super::super::{Kernel, Replay, Verdict};
    use super::*;

    /// A loop that asks for the time so often in each of some turns, and waits behind each.
    fn run<K: Kernel>(kernel: &mut K, turns: usize, each: usize) -> usize {
        for turn in 0..turns {
            if kernel.poll(&mut Vec::new(), Some(Duration::from_millis(1))).is_err() {
                return turn;
            }
            for _ in 0..each {
                kernel.now();
            }
        }
        turns
    }

    /// What a recording of at most `limit` bytes of ten turns is replayed to, and its length.
    fn replay_of(path: &Path, turns: usize, limit: u64) -> (usize, Verdict, u64) {
        let _ = fs::remove_file(path);
        let recorder = Recorder::create(path, limit, b"head").unwrap();
        run(&mut Recording::new(Sim::new(1), recorder.clone()), turns, 100);
        recorder.finish(None, false);
        let bytes = fs::read(path).unwrap();
        let mut replay = Replay::new(bytes[4..].to_vec());
        let turns = run(&mut replay, turns, 100);
        let verdict = replay.verdict().cloned();
        (turns, verdict.unwrap_or_else(|| replay.finish(None, false)), bytes.len() as u64)
    }

    #[test]
    fn a_recording_ends_at_its_limit_between_two_turns_and_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("recording");
        let (turns, verdict, length) = replay_of(&path, 10, u64::MAX);
        assert_eq!((turns, verdict), (10, Verdict::Same));
        assert_eq!(replay_of(&path, 10, length), (10, Verdict::Same, length));
        for limit in (0..length).step_by(97).chain(length - 20..length) {
            let (turns, verdict, written) = replay_of(&path, 10, limit);
            assert!(turns < 10, "{turns} turns in {limit} of {length} bytes");
            assert_eq!(verdict, Verdict::Cut, "of {limit} bytes");
            // The head and the mark are there whatever the limit is.
            assert!(written <= limit.max(4 + 2 * HEADER_BYTES as u64 + 1), "{written} of {limit}");
        }
    }

    #[test]
    fn a_turn_that_is_very_long_is_written_in_pieces() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("recording");
        let recorder = Recorder::create(&path, u64::MAX, &[]).unwrap();
        let each = 3 * FRAME_BYTES / 5;
        run(&mut Recording::new(Sim::new(1), recorder.clone()), 1, each);
        let kept = recorder.log().buffer.len();
        assert!(kept < FRAME_BYTES + BATCH_BYTES, "{kept} bytes are kept");
        recorder.finish(None, false);
        let mut replay = Replay::new(fs::read(&path).unwrap());
        assert_eq!(run(&mut replay, 1, each), 1);
        assert_eq!(replay.finish(None, false), Verdict::Same);
    }

    #[test]
    fn a_disk_that_is_full_ends_the_recording_and_not_the_loop() {
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let recorder = Recorder::over(full, Path::new("/dev/full"), u64::MAX, 0);
        assert_eq!(run(&mut Recording::new(Sim::new(1), recorder.clone()), 100, 1_000), 100);
        let log = recorder.log();
        assert!(log.file.is_none(), "it has ended");
        assert!(log.buffer.len() < BATCH_BYTES, "nothing is gathered for nobody");
    }

    #[test]
    fn a_disk_that_is_full_at_the_start_leaves_no_file_in_the_way() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("recording");
        fs::write(&path, "").unwrap();
        // Nothing can be written to it, as to a disk that is full.
        let file = File::open(&path).unwrap();
        Recorder::begin(file, &path, u64::MAX, b"head").unwrap_err();
        Recorder::create(&path, u64::MAX, b"head").unwrap();
    }

    #[test]
    fn what_is_rescued_is_everything_up_to_the_last_answer() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("recording");
        let recorder = Recorder::create(&path, u64::MAX, &[]).unwrap();
        let mut recording = Recording::new(Sim::new(1), recorder.clone());
        run(&mut recording, 3, 5);
        recorder.rescue();
        let mut replay = Replay::new(fs::read(&path).unwrap());
        assert_eq!(run(&mut replay, 3, 5), 3);
        assert_eq!(replay.verdict(), None, "all of it is there");
        replay.now();
        assert_eq!(replay.verdict(), Some(&Verdict::BrokenOff));
    }

    #[test]
    fn only_its_owner_reads_a_recording_and_nothing_is_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("recording");
        Recorder::create(&path, 0, b"head").unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        let error = Recorder::create(&path, 0, b"another").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
    }
}
