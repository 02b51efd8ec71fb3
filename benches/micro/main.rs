//! What the parts cost, one by one, beside others that do the same.
//!
//! ```text
//! cargo bench --bench micro                     # all of them, three minutes
//! cargo bench --bench micro -- decode           # those whose name has this in it
//! cargo bench --bench micro -- --save-baseline before
//! cargo bench --bench micro -- --baseline before
//! ```
//!
//! No socket is involved and no system call: this is the part of a message that is readily's own.
//! Where messages are short and come one at a time it is the small one, and most of the cost is the
//! kernel's; `benches/peers` has the servers to measure the whole with.
//!
//! A round of the codecs is one read of 64 KiB, whatever the size of its messages: divide by the
//! number of messages, or read the line of elements and bytes a second.
#![forbid(unsafe_code)]

mod decode;
#[cfg(feature = "deflate")]
mod deflate;
mod encode;
mod fan_out;
mod lines;
mod mask;
mod sample;
mod timers;
mod utf8;
mod world;

use std::time::Duration;

use criterion::Criterion;

fn main() {
    let mut criterion = Criterion::default()
        .sample_size(50)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(1))
        .configure_from_args();
    decode::bench(&mut criterion);
    encode::bench(&mut criterion);
    #[cfg(feature = "deflate")]
    deflate::bench(&mut criterion);
    mask::bench(&mut criterion);
    utf8::bench(&mut criterion);
    lines::bench(&mut criterion);
    timers::bench(&mut criterion);
    fan_out::bench(&mut criterion);
    criterion.final_summary();
}
