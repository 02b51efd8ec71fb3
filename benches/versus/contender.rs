//! Starting a server, on a CPU of its own.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use super::scenario::{Load, Scheme};

/// The CPU of the server, and that of the generator.
const SERVER_CPU: &str = "0";
const GENERATOR_CPU: &str = "1";

/// Where the programs are.
#[derive(Debug)]
pub(crate) struct Programs {
    readily: PathBuf,
    peers: PathBuf,
}

impl Programs {
    /// Builds the peers, if they are not; cargo tells where they are.
    pub(crate) fn find() -> Result<Programs, String> {
        let build = Command::new(env!("CARGO"))
            .args(["bench", "--bench", "peers", "--no-run", "--message-format=json"])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .stderr(Stdio::inherit())
            .output()
            .map_err(|error| format!("cargo: {error}"))?;
        let lines = String::from_utf8_lossy(&build.stdout);
        let path = lines.lines().find_map(|line| {
            let message: serde_json::Value = serde_json::from_str(line).ok()?;
            let is_it = message["target"]["name"] == "peers";
            message["executable"].as_str().filter(|_| is_it).map(PathBuf::from)
        });
        let peers = path.ok_or("cargo does not say where the peers are")?;
        Ok(Programs { readily: PathBuf::from(env!("CARGO_BIN_EXE_readily")), peers })
    }

    /// The generator, on its CPU.
    pub(crate) fn generator(&self) -> Command {
        pinned(GENERATOR_CPU, &self.readily)
    }

    /// Starts a contender, named as in the scenarios: `readily` and its options, or `NAME`, or
    /// `NAME/RUNTIME`.
    pub(crate) fn start(&self, name: &str, scheme: Scheme, load: Load) -> Result<Server, String> {
        let socket = std::env::temp_dir().join(format!("readily-versus-{}", std::process::id()));
        let address = match scheme {
            Scheme::Tcp => "tcp://127.0.0.1:0".to_owned(),
            Scheme::Unix => format!("unix://{}", socket.display()),
            Scheme::Udp => "udp://127.0.0.1:0".to_owned(),
            Scheme::Ws => "ws://127.0.0.1:0/ws".to_owned(),
        };
        let mut command;
        let options = name.strip_prefix("readily").filter(|rest| !rest.starts_with('-'));
        if let Some(options) = options {
            command = pinned(SERVER_CPU, &self.readily);
            let binding = match load {
                Load::Echo => format!("echo={address}"),
                Load::Fanout => format!("notify={address}?topic=bench"),
            };
            command.args(["-q", "serve", &binding]);
            command.args(options.split_whitespace());
            command.env("RUST_LOG", "info").stderr(Stdio::piped()).stdout(Stdio::null());
        } else {
            let is_floor = name.starts_with("floor");
            let default = if is_floor { "epoll" } else { "current_thread" };
            let (name, runtime) = name.split_once('/').unwrap_or((name, default));
            command = pinned(SERVER_CPU, &self.peers);
            command.args([name, &address, runtime]);
            command.stdout(Stdio::piped()).stderr(Stdio::inherit());
        }
        let child =
            command.stdin(Stdio::null()).spawn().map_err(|error| format!("{name}: {error}"))?;
        let mut server = Server { child, url: String::new() };
        let lines: Box<dyn std::io::BufRead> =
            match (server.child.stdout.take(), server.child.stderr.take()) {
                (Some(stdout), _) => Box::new(BufReader::new(stdout)),
                (None, Some(stderr)) => Box::new(BufReader::new(stderr)),
                (None, None) => unreachable!("one of the two is piped"),
            };
        for line in lines.lines().map_while(Result::ok) {
            for mark in ["listening on ", "serving echo at ", "serving notify at "] {
                if let Some((_, url)) = line.split_once(mark) {
                    server.url = url.trim().split('?').next().unwrap_or_default().to_owned();
                }
            }
            // readily says first where it serves, and then that it is ready.
            if !server.url.is_empty() && (options.is_none() || line.contains(" ready: ")) {
                return Ok(server);
            }
        }
        Err(format!("{name} does not start"))
    }
}

/// A command that runs on one CPU only (taskset(1)); its threads, too.
fn pinned(cpu: &str, program: &PathBuf) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", cpu]).arg(program);
    command
}

/// A contender that serves.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    pub(crate) url: String,
}

impl Server {
    /// taskset becomes the program that it runs, so this is the program's.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(path) = self.url.strip_prefix("unix://") {
            let _ = std::fs::remove_file(path);
        }
    }
}
