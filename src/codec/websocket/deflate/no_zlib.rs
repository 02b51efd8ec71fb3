//! What stands in for zlib where the crate is built without the feature `deflate`: types of which
//! there are no values. Nothing is agreed on there, so nobody asks for one.

use super::WindowBits;

#[derive(Debug)]
pub(super) enum Compressor {}

impl Compressor {
    pub(super) fn new(_: WindowBits) -> Compressor {
        unreachable!("nothing is agreed on without the feature `deflate`")
    }

    pub(super) fn compress(&mut self, _: &[u8], _: &mut Vec<u8>) -> Option<()> {
        match *self {}
    }

    pub(super) fn reset(&mut self) {
        match *self {}
    }
}

#[derive(Debug)]
pub(super) enum Inflater {}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Step {
    pub(super) consumed: usize,
    pub(super) produced: usize,
    pub(super) next: Next,
}

#[expect(dead_code, reason = "there are no values of it")]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Next {
    More,
    End,
    Corrupt,
}

impl Inflater {
    pub(super) fn new() -> Inflater {
        unreachable!("nothing is agreed on without the feature `deflate`")
    }

    pub(super) fn step(&mut self, _: &[u8], _: &mut [u8]) -> Step {
        match *self {}
    }

    pub(super) fn reset(&mut self) {
        match *self {}
    }
}
