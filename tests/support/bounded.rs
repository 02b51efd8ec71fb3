//! Running the program to its end, where a server that starts against all expectations must fail a
//! test instead of keeping it waiting for ever.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::support::{PATIENCE, readily};

/// Waits for a program to end, and kills it when it takes too long.
pub(crate) fn wait(child: &mut Child) -> Option<i32> {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        if let Some(status) = child.try_wait().expect("it is our child") {
            return status.code();
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    let _ = child.kill();
    let _ = child.wait();
    panic!("the program does not end");
}

/// Runs the program to its end and returns its exit code, stdout and stderr, which must fit into
/// their pipes.
pub(crate) fn run(args: &[&str]) -> (Option<i32>, String, String) {
    let mut command = readily();
    command.args(args).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("spawns");
    let code = wait(&mut child);
    let output = child.wait_with_output().expect("it has ended");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    (code, text(output.stdout), text(output.stderr))
}
