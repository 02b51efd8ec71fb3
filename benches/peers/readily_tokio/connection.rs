//! The task of one connection.

use std::cell::RefCell;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use readily::engine::{CloseStep, ConnId};
use readily::time::Now;
use tokio::io::ReadBuf;

use super::shell::Shell;
use crate::runtime::Stream;

/// Moves bytes between a stream and the engine, until the connection is closed.
///
/// It is a future and not an `async fn` because the shell must not be borrowed while it waits: each
/// poll borrows it once, does what can be done without waiting, and gives it back.
pub(super) struct Connection<S> {
    stream: S,
    id: ConnId,
    shell: Rc<RefCell<Shell>>,
}

/// What came of trying to read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Progress {
    /// Nothing is there, or the engine wants nothing. Whoever changes that wakes the task.
    None,
    /// There may be more.
    Some,
    /// The buffer came back full, and others have a right to their turn.
    Full,
}

impl<S: Stream> Connection<S> {
    pub(super) fn new(stream: S, id: ConnId, shell: Rc<RefCell<Shell>>) -> Connection<S> {
        Connection { stream, id, shell }
    }
}

impl<S: Stream> Future for Connection<S> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Connection { stream, id, shell } = self.get_mut();
        let (id, shell) = (*id, &mut *shell.borrow_mut());
        shell.remember(id, cx.waker());
        let now = shell.now();
        loop {
            // Within the budget of a task, which tokio counts: at its end, there is nothing to read.
            let progress = read(stream, id, shell, now, cx);
            write(stream, id, shell, now, cx);
            match shell.engine.poll_close(id) {
                Some(CloseStep::Close) => {
                    shell.remove(id);
                    shell.settle(now);
                    return Poll::Ready(());
                }
                Some(CloseStep::ShutdownWrite) => {
                    if let Poll::Ready(Err(error)) = Pin::new(&mut *stream).poll_shutdown(cx) {
                        shell.engine.lost(id, error.kind(), now);
                    }
                    // From here on the engine wants to read again.
                    continue;
                }
                None => {}
            }
            match progress {
                Progress::Some => {}
                Progress::Full => {
                    cx.waker().wake_by_ref();
                    break;
                }
                Progress::None => break,
            }
        }
        shell.settle(now);
        Poll::Pending
    }
}

/// Reads once and hands over what came.
fn read(
    stream: &mut impl Stream,
    id: ConnId,
    shell: &mut Shell,
    now: Now,
    cx: &mut Context<'_>,
) -> Progress {
    if !shell.engine.wants_read(id) {
        return Progress::None;
    }
    let mut buffer = ReadBuf::new(&mut shell.read_buffer);
    match Pin::new(stream).poll_read(cx, &mut buffer) {
        Poll::Pending => return Progress::None,
        Poll::Ready(Ok(())) => {}
        Poll::Ready(Err(error)) => {
            shell.engine.lost(id, error.kind(), now);
            return Progress::Some;
        }
    }
    let is_full = buffer.remaining() == 0;
    let bytes = buffer.filled_mut();
    if bytes.is_empty() {
        shell.engine.receive_eof(id, now);
    } else {
        shell.engine.receive(id, bytes, now);
    }
    if is_full { Progress::Full } else { Progress::Some }
}

/// Writes what is queued, as far as it goes.
fn write(stream: &mut impl Stream, id: ConnId, shell: &mut Shell, now: Now, cx: &mut Context<'_>) {
    shell.engine.clear_dirty(id);
    while let Some(output) = shell.engine.output(id) {
        let written = match Pin::new(&mut *stream).poll_write(cx, output) {
            Poll::Pending => return shell.engine.blocked(id),
            Poll::Ready(Ok(0)) => Err(io::ErrorKind::WriteZero),
            Poll::Ready(Ok(count)) => Ok(count),
            Poll::Ready(Err(error)) => Err(error.kind()),
        };
        match written {
            Ok(count) => shell.engine.wrote(id, count, now),
            Err(kind) => return shell.engine.lost(id, kind, now),
        }
    }
}
