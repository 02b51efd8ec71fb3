//! Holds every contender to every byte: over every kind of socket that it serves, on every runtime
//! that it has, whole and in odd pieces, one at a time and all at once.
//!
//! ```text
//!   for each contender:  start ──► read "listening on URL" ──► clients ──► end of stdin ──► exit 0
//! ```
//!
//! Each runs as it will be measured, in a process of its own. The clients block, on a thread for
//! each direction, and give up when nothing has moved for a while.

mod client;
mod datagrams;
mod fanout;
mod lines;
mod server;
mod text;
mod websocket;

use std::process::ExitCode;
use std::time::Instant;

use self::server::Server;
use self::text::Text;
use crate::contender::{CONTENDERS, Contender, Does};
use crate::runtime::Flavour;
use crate::url::{Scheme, Url};

/// What went wrong, for people.
type Outcome = Result<(), String>;

/// How many messages a contender has answered, and their bytes.
#[derive(Clone, Copy, Default)]
struct Tally {
    messages: usize,
    bytes: usize,
}

impl Tally {
    /// Adds messages of which `bytes` were sent.
    fn add(&mut self, messages: usize, bytes: usize) {
        self.messages += messages;
        self.bytes += bytes;
    }
}

/// Checks all of them and prints a line for each. Exit code 1 means that one of them was wrong.
pub(crate) fn run() -> ExitCode {
    let start = Instant::now();
    let (mut checked, mut wrong) = (0, 0);
    for contender in CONTENDERS {
        for scheme in contender.schemes {
            for flavour in contender.flavours {
                let name = format!("{} {} {}", contender.name, scheme.name(), flavour.name());
                let start = Instant::now();
                checked += 1;
                match check(contender, *scheme, *flavour) {
                    Ok(Tally { messages, bytes }) => {
                        let kib = bytes / 1024;
                        let took = start.elapsed().as_secs_f64();
                        println!(
                            "ok    {name:<44} {messages:>5} messages {kib:>6} KiB {took:.2} s"
                        );
                    }
                    Err(error) => {
                        wrong += 1;
                        println!("WRONG {name}: {error}");
                    }
                }
            }
        }
    }
    let took = start.elapsed().as_secs_f64();
    println!("{checked} checked, {wrong} wrong, {took:.1} s");
    if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Checks one contender over one kind of socket on one runtime.
fn check(contender: &Contender, scheme: Scheme, flavour: Flavour) -> Result<Tally, String> {
    let mut server = Server::start(contender, scheme, flavour)?;
    let mut tally = Tally::default();
    // The same texts for everybody, and other ones for each kind of socket.
    let mut text = Text::new(scheme as u64);
    let outcome = match &server.url {
        url @ (Url::Tcp(_) | Url::Unix(_)) => lines::check(url, &mut text, &mut tally),
        url if contender.does == Does::Fanout => fanout::check(url, &mut text, &mut tally),
        url @ Url::Ws(..) => websocket::check(url, &mut text, &mut tally),
        Url::Udp(address) => datagrams::check(*address, &mut text, &mut tally),
    };
    // Why it died, if it did, tells more than what its clients saw of it.
    server.stop().and(outcome).map(|()| tally)
}
