//! The servers that readily is measured against, one program for all of them.
//!
//! ```text
//! cargo bench --bench peers -- list
//! cargo bench --bench peers -- line-raw tcp://127.0.0.1:0 current_thread
//! cargo bench --bench peers -- check
//! ```
//!
//! Whoever measures builds it once (`cargo bench --bench peers --no-run` prints where it is) and
//! starts it with the name of a contender, a URL and a runtime. It prints `listening on URL` on
//! stdout, with the port that it got, and serves until it is killed; with `--until-eof` also until
//! its stdin ends, so that a driver which is killed leaves nobody behind.
//!
//! All of them echo, or hand on to everybody what they get, and all of them are right: a fast server
//! that loses a byte would be no measure of anything. `check` starts each and holds it to every byte.
//!
//! ```text
//!   floor/           the least that readiness can do: one read, one write, no checks
//!   line/            lines, as users of tokio write them, from the tutorial to the tuned
//!   websocket/       tokio-tungstenite and fastwebsockets, and a broadcast to everybody
//!   udp.rs           tokio's UdpSocket
//!   readily_tokio/   the engine of readily under tokio: only the reactor differs
//! ```
#![forbid(unsafe_code)]

mod arguments;
mod check;
mod contender;
mod door;
mod floor;
mod handshake;
mod lifeline;
mod line;
mod readily_tokio;
mod runtime;
mod udp;
mod url;
mod websocket;

use std::process::ExitCode;

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use self::arguments::{Command, parse};
use self::contender::{Contender, list};
use self::door::Door;
use self::runtime::Flavour;
use self::url::Url;

fn main() -> ExitCode {
    match parse(std::env::args().skip(1)) {
        Ok(Command::List) => {
            print!("{}", list());
            ExitCode::SUCCESS
        }
        Ok(Command::Check) => check::run(),
        Ok(Command::Serve { contender, url, flavour, until_eof }) => {
            serve(contender, &url, flavour, until_eof)
        }
        Err(message) => {
            eprintln!("peers: {message}");
            ExitCode::from(2)
        }
    }
}

/// Serves until killed. Exit code 1 means that it could not.
fn serve(contender: &Contender, url: &Url, flavour: Flavour, until_eof: bool) -> ExitCode {
    raise_descriptor_limit();
    let door = match Door::open(url) {
        Ok(door) => door,
        Err(error) => {
            eprintln!("peers: cannot listen on {url}: {error}");
            return ExitCode::FAILURE;
        }
    };
    if until_eof {
        lifeline::hold();
    }
    println!("listening on {}", door.url);
    match (contender.serve)(door, flavour) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("peers: {}: {error}", contender.name);
            ExitCode::FAILURE
        }
    }
}

/// As many connections as the hard limit allows, which readily's program takes, too.
fn raise_descriptor_limit() {
    if let Ok((_, hard)) = getrlimit(Resource::RLIMIT_NOFILE) {
        // Where it fails, the limit is what it was.
        let _ = setrlimit(Resource::RLIMIT_NOFILE, hard, hard);
    }
}
