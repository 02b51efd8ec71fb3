//! `readily serve --record`: the same server, and all that happens to it in a file.

use std::fs;
use std::io;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use readily::config::{ByteSize, Config};
use readily::kernel::{Kernel, Mio, Recorder, Recording};
use readily::reactor::Stop;
use readily::recording::{self, Head};
use readily::server::{BoundServer, Server, StartError};

use crate::cli::{FAILURE, Logging};
use crate::console;
use crate::logging::Log;
use crate::serve::{exit_code, introduce};

/// How long to wait for the reader of the log, where there is something left to say to him.
const LOG_RETRY: Duration = Duration::from_millis(20);

/// Serves and records until stopped.
pub(crate) fn serve(
    config: Config,
    path: &Path,
    limit: ByteSize,
    logging: &Logging,
    log: &Log,
) -> Result<ExitCode, StartError> {
    let version = env!("CARGO_PKG_VERSION").to_owned();
    let head = Head { version, seed: rand::random(), config };
    let recorder = match recording::create(path, limit, &head) {
        Ok(recorder) => recorder,
        Err(error) => {
            console::error(&format!("--record {}: {error}", path.display()));
            return Ok(ExitCode::from(FAILURE));
        }
    };
    rescue_at_panic(recorder.clone());
    let bound = Mio::new().map_err(StartError::System).and_then(|kernel| {
        let kernel = Recording::new(kernel, recorder);
        Server::from_config(head.config).bind_on(kernel, head.seed, ())
    });
    match bound {
        Ok(mut server) => {
            introduce(&server, logging, log);
            Ok(exit_code(run(&mut server, log)))
        }
        Err(error) => {
            // A server that does not start leaves nothing in the way of the next one.
            let _ = fs::remove_file(path);
            Err(error)
        }
    }
}

/// Takes turns until the server is stopped. The log is passed on from here and not by the engine, which
/// may know nothing of who reads it: that would not be so again.
fn run<K: Kernel>(server: &mut BoundServer<(), Recording<K>>, log: &Log) -> io::Result<Stop> {
    let reactor = server.reactor_mut();
    loop {
        let turned = reactor.turn();
        let is_behind = log.pass_on();
        let kernel = reactor.kernel_mut();
        // The panic hook holds the recorder, too, so nothing is written when ours goes.
        let stop = turned.inspect_err(|_| kernel.onlooker_mut().rescue())?;
        kernel.wait_at_most(is_behind.then_some(LOG_RETRY));
        if let Some(stop) = stop {
            let (by, at_once) = match stop {
                Stop::Drained(signal) => (signal, false),
                Stop::Forced(signal) => (Some(signal), true),
            };
            kernel.onlooker_mut().finish(by, at_once);
            return Ok(stop);
        }
    }
}

/// A process that panics is aborted, and what came last is why.
fn rescue_at_panic(recorder: Recorder) {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        recorder.rescue();
        report(panic);
    }));
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::process::Command;
    use std::{env, panic};

    use readily::kernel::{Replay, Verdict};
    use readily::recording::Player;

    use super::*;
    use crate::sink::Sink;

    /// Where a process that panics records to.
    const PATH: &str = "READILY_TEST_RECORDING";
    /// Whether its panic hook is ours.
    const IS_HOOKED: &str = "READILY_TEST_HOOK";

    fn kept() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings/lines.rec")
    }

    /// How much a process has recorded that panics within a turn.
    fn recorded_by_panicking(folder: &Path, is_hooked: bool) -> u64 {
        let path = folder.join(is_hooked.to_string());
        let mut child = Command::new(env::current_exe().expect("a path"));
        child.args(["--exact", "record::tests::panics_while_it_records", "--ignored"]);
        child.args(["--nocapture"]).env(PATH, &path).env(IS_HOOKED, is_hooked.to_string());
        let output = child.output().expect("runs");
        assert!(!output.status.success(), "it is aborted");
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(told.contains("in the middle of a turn"), is_hooked, "{told}");
        let (head, tape) = recording::read(&path).expect("a recording");
        let summary = Player::new(head, tape, (), ()).expect("it starts").run();
        assert_eq!(summary.verdict, Some(Verdict::BrokenOff));
        path.metadata().expect("a file").len()
    }

    #[test]
    fn a_panic_writes_what_there_is_before_the_process_is_aborted() {
        let folder = tempfile::tempdir().expect("a folder");
        let [without, with] =
            [false, true].map(|is_hooked| recorded_by_panicking(folder.path(), is_hooked));
        assert!(with > without, "{with} bytes with the hook, and {without} without");
    }

    #[test]
    #[ignore = "panics, in a process of its own"]
    fn panics_while_it_records() {
        let Some(path) = env::var_os(PATH) else { return };
        let (head, tape) = recording::read(&kept()).expect("a recording");
        let recorder = recording::create(Path::new(&path), ByteSize::MAX, &head).expect("a file");
        // As where panics do not unwind.
        let is_hooked = env::var_os(IS_HOOKED).is_some_and(|text| text == "true");
        let report = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            if is_hooked {
                report(panic);
            }
            std::process::abort();
        }));
        if is_hooked {
            rescue_at_panic(recorder.clone());
        }
        let kernel = Recording::new(Replay::new(tape), recorder);
        let server = Server::from_config(head.config).bind_on(kernel, head.seed, ());
        let mut server = server.expect("it starts");
        for _ in 0..5 {
            server.reactor_mut().turn().expect("a turn");
        }
        panic!("in the middle of a turn");
    }

    #[test]
    fn a_loop_that_fails_is_recorded_to_its_end_although_the_panic_hook_holds_the_recorder() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("recording");
        let (head, mut tape) = recording::read(&kept()).expect("a recording");
        // Where a tape breaks off, the poll fails.
        tape.truncate(tape.len() / 2);
        let mut broken_off = Player::new(head.clone(), tape.clone(), (), ()).expect("it starts");
        let turns = broken_off.run().turns;

        let recorder = recording::create(&path, ByteSize::MAX, &head).expect("makes it");
        let held_by_the_hook = recorder.clone();
        let kernel = Recording::new(Replay::new(tape), recorder);
        let server = Server::from_config(head.config).bind_on(kernel, head.seed, ());
        let mut server = server.expect("it starts");
        run(&mut server, &Log::new(Sink::new(&io::stderr()))).expect_err("the poll fails");
        drop(server);

        let (head, tape) = recording::read(&path).expect("a recording");
        let summary = Player::new(head, tape, (), ()).expect("it starts").run();
        assert_eq!((summary.turns, summary.verdict), (turns, Some(Verdict::Failed)));
        drop(held_by_the_hook);
    }
}
