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
    use readily::kernel::{Replay, Verdict};
    use readily::recording::Player;

    use super::*;
    use crate::sink::Sink;

    #[test]
    fn a_loop_that_fails_is_recorded_to_its_end_although_the_panic_hook_holds_the_recorder() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("recording");
        let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings/lines.rec");
        let (head, mut tape) = recording::read(&kept).expect("a recording");
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
