//! What a process has used up, as Linux tells it (proc(5)).
//!
//! | what | where | why there |
//! |---|---|---|
//! | CPU time | `/proc/PID/task/*/schedstat`, first field | in nanoseconds; `stat` counts ticks of 10 ms |
//! | memory | `/proc/PID/smaps_rollup`, `Rss` | exact; what `status` and `statm` say lags behind |

use std::fs;
use std::io;
use std::time::{Duration, Instant};

/// A process to be looked at, alive or not.
#[derive(Clone, Copy, Debug)]
pub(super) struct Process(u32);

/// What it had used at a moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    at: Instant,
    cpu: Duration,
    /// Resident memory, in bytes.
    pub(super) resident: u64,
}

impl Process {
    /// The process with this id.
    ///
    /// # Errors
    /// If there is none, or it may not be looked at.
    pub(super) fn new(pid: u32) -> io::Result<Process> {
        let process = Process(pid);
        process.sample().map(|_| process)
    }

    /// This process.
    pub(super) fn own() -> Process {
        Process(std::process::id())
    }

    pub(super) fn id(self) -> u32 {
        self.0
    }

    /// What it has used up to this moment.
    ///
    /// # Errors
    /// If it has ended.
    pub(super) fn sample(self) -> io::Result<Sample> {
        Ok(Sample { at: Instant::now(), cpu: self.cpu()?, resident: self.resident()? })
    }

    /// The time that all threads there are have been running.
    fn cpu(self) -> io::Result<Duration> {
        let mut nanos = 0;
        for thread in fs::read_dir(format!("/proc/{}/task", self.0))? {
            // One that has ended in the meantime has no file.
            let text = fs::read_to_string(thread?.path().join("schedstat")).unwrap_or_default();
            nanos += first_number(&text).unwrap_or(0);
        }
        Ok(Duration::from_nanos(nanos))
    }

    fn resident(self) -> io::Result<u64> {
        let text = fs::read_to_string(format!("/proc/{}/smaps_rollup", self.0))?;
        let line = text.lines().find_map(|line| line.strip_prefix("Rss:"));
        let kib = line.and_then(first_number);
        kib.map(|kib| kib * 1024).ok_or_else(|| io::ErrorKind::InvalidData.into())
    }
}

fn first_number(text: &str) -> Option<u64> {
    text.split_whitespace().next()?.parse().ok()
}

impl Sample {
    /// The same if so much CPU time had not been used.
    pub(super) fn without(self, cpu: Duration) -> Sample {
        Sample { cpu: self.cpu.saturating_sub(cpu), ..self }
    }

    /// The CPU time since `earlier`.
    pub(super) fn cpu_since(&self, earlier: &Sample) -> Duration {
        self.cpu.saturating_sub(earlier.cpu)
    }

    /// How much of one CPU was used since `earlier`: 1 is all of it, and more threads can use more.
    pub(super) fn load_since(&self, earlier: &Sample) -> f64 {
        let time = self.at - earlier.at;
        if time.is_zero() { 0.0 } else { self.cpu_since(earlier).div_duration_f64(time) }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_works_uses_time() {
        let process = Process::own();
        let before = process.sample().expect("we may look at ourselves");
        let deadline = Instant::now() + Duration::from_millis(20);
        let mut memory = vec![0u8; 8 << 20];
        while Instant::now() < deadline {
            memory.iter_mut().for_each(|byte| *byte = byte.wrapping_add(1));
        }
        let after = process.sample().expect("we may look at ourselves");
        assert!(after.cpu_since(&before) > Duration::ZERO);
        assert!(after.load_since(&before) > 0.0);
        assert!(after.resident > before.resident, "8 MiB more");
        assert!(std::hint::black_box(memory)[0] > 0);
    }

    #[test]
    fn nobody_uses_nothing() {
        assert!(Process::new(u32::MAX).is_err());
    }
}
