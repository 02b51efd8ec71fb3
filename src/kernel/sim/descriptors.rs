//! The table of descriptors, and what is watched.
//!
//! A new descriptor is the lowest number that is free (open(2)), so the number of one that was
//! closed is soon somebody else's: whatever still means the old one meets the new one.

use std::rc::Rc;

use crate::kernel::{Interest, Token};
use crate::time::Time;

/// A socket of the loop. Dropping it closes it.
#[derive(Debug)]
pub struct Handle {
    pub(super) number: usize,
    /// Shared with the kernel, which sees by it whether the handle is there still.
    _life: Rc<()>,
}

/// What a descriptor leads to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum What {
    Listener(usize),
    Stream(usize),
    Datagram(usize),
    Signals,
}

/// How a socket is watched.
#[derive(Clone, Copy, Debug)]
pub(super) struct Watch {
    pub(super) token: Token,
    pub(super) interest: Interest,
    /// Something has happened: from this time on, the next wait reports it. Several happenings are
    /// one event, which describes the socket as it is when it is reported.
    pub(super) due: Option<Time>,
}

/// An open descriptor.
#[derive(Debug)]
pub(super) struct Descriptor {
    pub(super) what: What,
    pub(super) watch: Option<Watch>,
    pub(super) life: Rc<()>,
    /// An event has said that there is something to read, and no read has said otherwise.
    pub(super) may_read: bool,
    /// How often it was read from in this turn.
    pub(super) reads: usize,
}

/// All descriptors.
#[derive(Debug, Default)]
pub(super) struct Descriptors {
    places: Vec<Option<Descriptor>>,
}

impl Descriptors {
    /// Opens the lowest descriptor that is free.
    pub(super) fn open(&mut self, what: What) -> Handle {
        let free = self.places.iter().position(Option::is_none);
        let number = free.unwrap_or_else(|| {
            self.places.push(None);
            self.places.len() - 1
        });
        let life = Rc::new(());
        let handle = Handle { number, _life: Rc::clone(&life) };
        let descriptor = Descriptor { what, watch: None, life, may_read: false, reads: 0 };
        self.places[number] = Some(descriptor);
        handle
    }

    /// # Panics
    /// If it is closed.
    pub(super) fn get_mut(&mut self, number: usize) -> &mut Descriptor {
        self.places[number].as_mut().expect("the descriptor is open")
    }

    /// # Panics
    /// If it is closed.
    pub(super) fn what(&self, number: usize) -> What {
        self.places[number].as_ref().expect("the descriptor is open").what
    }

    /// # Panics
    /// If it is closed.
    pub(super) fn watch(&self, number: usize) -> Option<Watch> {
        self.places[number].as_ref().expect("the descriptor is open").watch
    }

    pub(super) fn close(&mut self, number: usize) -> Option<Descriptor> {
        self.places[number].take()
    }

    /// Those that are open, with their numbers.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (usize, &mut Descriptor)> {
        let places = self.places.iter_mut().enumerate();
        places.filter_map(|(number, place)| Some((number, place.as_mut()?)))
    }

    /// How many are open.
    pub(super) fn len(&self) -> usize {
        self.places.iter().flatten().count()
    }

    /// One whose handle was dropped.
    pub(super) fn dropped(&self) -> Option<usize> {
        self.places.iter().position(|place| {
            place.as_ref().is_some_and(|descriptor| Rc::strong_count(&descriptor.life) == 1)
        })
    }
}
