//! What the tasks share: the engine, and who has to be woken when it has something for them.

use std::rc::Rc;
use std::task::Waker;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use readily::engine::{ConnId, EndpointId, Engine, Limits};
use readily::time::{Now, Time, WallClock};
use slab::Slab;
use tokio::sync::Notify;

/// The engine and what surrounds it.
pub(super) struct Shell {
    pub(super) engine: Engine,
    /// What is read goes straight from here into the engine, so one is enough for all tasks.
    pub(super) read_buffer: Box<[u8]>,
    /// The tasks, at the places that name their connections.
    wakers: Slab<Waker>,
    generation: u32,
    dirty: Vec<ConnId>,
    /// When the task that keeps time wakes by itself.
    wakes_at: Option<Time>,
    alarm: Rc<Notify>,
    start: Instant,
    unix_start: Duration,
}

impl Shell {
    pub(super) fn new(engine: Engine, alarm: Rc<Notify>) -> Shell {
        Shell {
            engine,
            read_buffer: vec![0; Limits::READ_BUDGET].into_boxed_slice(),
            wakers: Slab::new(),
            generation: 0,
            dirty: Vec::new(),
            wakes_at: None,
            alarm,
            start: Instant::now(),
            unix_start: SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default(),
        }
    }

    /// Tells the engine of a new connection and gives it its name.
    pub(super) fn open(&mut self, endpoint: EndpointId) -> ConnId {
        let index = self.wakers.insert(Waker::noop().clone());
        let index = u32::try_from(index).expect("descriptors are 31 bits");
        self.generation = self.generation.wrapping_add(1);
        let id = ConnId { index, generation: self.generation };
        let now = self.now();
        self.engine.open(id, endpoint, now);
        self.settle(now);
        id
    }

    /// The socket of a connection is closed.
    pub(super) fn remove(&mut self, id: ConnId) {
        self.engine.remove(id);
        self.wakers.remove(id.index as usize);
    }

    /// Remembers whom to wake for a connection.
    pub(super) fn remember(&mut self, id: ConnId, waker: &Waker) {
        self.wakers[id.index as usize].clone_from(waker);
    }

    /// Reads the clock. There are no turns here that it could be read once for, so it is read once
    /// for each poll of a task; what the clock on the wall says follows from it.
    pub(super) fn now(&self) -> Now {
        let elapsed = self.start.elapsed();
        let unix = self.unix_start + elapsed;
        let wall = WallClock {
            unix_seconds: i64::try_from(unix.as_secs()).unwrap_or(i64::MAX),
            offset_seconds: 0,
        };
        Now { time: Time::ZERO + elapsed, wall }
    }

    /// Does what follows from what a task did: wakes others that have output now, and sees to
    /// deadlines. Bounded by what waits in the engine.
    pub(super) fn settle(&mut self, now: Now) {
        self.wake_dirty();
        while let Some(deadline) = self.engine.poll_timeout() {
            if deadline > now.time {
                if self.wakes_at.is_none_or(|wakes_at| deadline < wakes_at) {
                    self.wakes_at = Some(deadline);
                    self.alarm.notify_one();
                }
                return;
            }
            self.engine.handle_timeout(now);
            self.wake_dirty();
        }
    }

    /// Sees to deadlines; returns when the next one is.
    pub(super) fn let_time_pass(&mut self) -> Option<Instant> {
        let now = self.now();
        self.engine.handle_timeout(now);
        self.settle(now);
        self.wakes_at = self.engine.poll_timeout();
        self.wakes_at.map(|time| self.start + (time - Time::ZERO))
    }

    /// Wakes the tasks of connections that have something to do.
    fn wake_dirty(&mut self) {
        self.engine.take_dirty(&mut self.dirty);
        for id in &self.dirty {
            if self.engine.needs_shell(*id) {
                self.wakers[id.index as usize].wake_by_ref();
            }
        }
    }
}
