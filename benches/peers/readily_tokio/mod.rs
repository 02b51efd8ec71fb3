//! The engine of readily under tokio instead of its own reactor: then only the reactor differs.
//!
//! ```text
//!    accept ──► a task for each connection ─┐
//!               read ──► engine.receive     ├──► Shell: the one engine, the one read buffer
//!               engine.output ──► write     │
//!    alarm  ──► engine.handle_timeout ──────┘
//! ```
//!
//! Everything runs on one thread, and a task uses the shell within one poll and never across an
//! `await`. That is what makes `Rc<RefCell<…>>` right here and only here: tokio gives tasks no
//! other way to share what is not `Send`, while the reactor, which owns its connections, has no
//! need for it.

mod connection;
mod shell;

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::time::Instant;

use readily::engine::{Endpoint, EndpointId, Engine, Limits, StopScope};
use readily::protocol::{Route, Site};
use readily::service::Echo;
use tokio::net::{TcpListener, UnixListener};
use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::Notify;
use tokio::task::spawn_local;
use tokio::time::timeout_at;

use self::connection::Connection;
use self::shell::Shell;
use crate::door::Door;
use crate::runtime::Stream;
use crate::url::Url;

/// Serves lines or WebSocket, as the URL says.
pub(crate) fn serve(door: Door) -> io::Result<()> {
    let mut engine = Engine::new(Limits::default(), 0, ());
    let service = engine.add_service(Box::new(Echo));
    let binding = engine.add_binding(service, StopScope::Connection);
    let endpoint = engine.add_endpoint(match &door.url {
        Url::Ws(_, path) => {
            let routes =
                vec![Route { path: path.clone(), binding: binding.index(), ..Route::default() }];
            Endpoint::Web(Site { routes, ..Site::default() })
        }
        Url::Tcp(_) | Url::Unix(_) | Url::Udp(_) => Endpoint::Line(binding),
    });
    let alarm = Rc::new(Notify::new());
    let shell = Rc::new(RefCell::new(Shell::new(engine, Rc::clone(&alarm))));
    let runtime = Builder::new_current_thread().enable_all().build_local(LocalOptions::default())?;
    runtime.block_on(async {
        spawn_local(keep_time(Rc::clone(&shell), alarm));
        if let Url::Unix(_) = door.url {
            let listener = UnixListener::from_std(door.socket.into())?;
            loop {
                let (stream, _) = listener.accept().await?;
                open(&shell, endpoint, stream);
            }
        } else {
            let listener = TcpListener::from_std(door.socket.into())?;
            loop {
                let (stream, _) = listener.accept().await?;
                stream.set_nodelay(true)?;
                open(&shell, endpoint, stream);
            }
        }
    })
}

/// Gives a connection a task.
fn open(shell: &Rc<RefCell<Shell>>, endpoint: EndpointId, stream: impl Stream) {
    let id = shell.borrow_mut().open(endpoint);
    spawn_local(Connection::new(stream, id, Rc::clone(shell)));
}

/// Lets time pass in the engine. `alarm` says that the next deadline has come closer.
async fn keep_time(shell: Rc<RefCell<Shell>>, alarm: Rc<Notify>) {
    loop {
        let deadline: Option<Instant> = shell.borrow_mut().let_time_pass();
        match deadline {
            // Which of the two it was makes no difference.
            Some(deadline) => drop(timeout_at(deadline.into(), alarm.notified()).await),
            None => alarm.notified().await,
        }
    }
}
