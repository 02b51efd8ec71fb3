//! What was measured: how many, how long, and when.

use std::time::Duration;

use hdrhistogram::Histogram;

use super::report::{Latency, Moment};
use crate::time::Time;

/// The longest latency that is told apart from longer ones.
const LONGEST: Duration = Duration::from_secs(100);

/// The width of a bar in the picture of the rate over time.
pub(super) const SLICE: Duration = Duration::from_millis(100);

/// Counts replies within the time that is measured.
#[derive(Debug)]
pub(super) struct Recorder {
    /// In nanoseconds, to three digits.
    histogram: Histogram<u64>,
    pub(super) messages: u64,
    pub(super) bytes: u64,
    /// Replies in each slice of time since the start.
    slices: Vec<u64>,
    start: Time,
}

impl Recorder {
    pub(super) fn new() -> Recorder {
        let longest = u64::try_from(LONGEST.as_nanos()).expect("a hundred seconds");
        Recorder {
            histogram: Histogram::new_with_bounds(1, longest, 3).expect("legal bounds"),
            messages: 0,
            bytes: 0,
            slices: Vec::new(),
            start: Time::ZERO,
        }
    }

    /// The measurement begins: what was counted to warm up is forgotten.
    pub(super) fn start(&mut self, now: Time) {
        *self = Recorder { start: now, ..Recorder::new() };
    }

    /// A right reply of `length` bytes has come.
    pub(super) fn reply(&mut self, length: usize, latency: Duration, now: Time) {
        self.messages += 1;
        self.bytes += length as u64;
        let nanos = u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX);
        self.histogram.saturating_record(nanos.max(1));
        let slice = (now - self.start).as_nanos() / SLICE.as_nanos();
        let slice = usize::try_from(slice).unwrap_or(usize::MAX);
        if slice >= self.slices.len() {
            // A slice without a reply is a slice, too; nobody measures for longer than a year.
            self.slices.resize(slice + 1, 0);
        }
        self.slices[slice] += 1;
    }

    pub(super) fn latency(&self) -> Latency {
        let at = |quantile| Duration::from_nanos(self.histogram.value_at_quantile(quantile));
        Latency {
            min: Duration::from_nanos(self.histogram.min()),
            mean: Duration::from_secs_f64(self.histogram.mean() / 1e9),
            p50: at(0.5),
            p75: at(0.75),
            p90: at(0.9),
            p99: at(0.99),
            p99_9: at(0.999),
            p99_99: at(0.9999),
            max: Duration::from_nanos(self.histogram.max()),
        }
    }

    /// The histogram for a picture: the upper end of each bar, which are of equal width on a
    /// logarithmic scale, and how many replies are in it.
    pub(super) fn bars(&self) -> Vec<(Duration, u64)> {
        let first = self.histogram.min().max(1);
        self.histogram
            .iter_log(first, 1.25)
            .map(|bar| (bar.value_iterated_to(), bar.count_since_last_iteration()))
            .map(|(end, count)| (Duration::from_nanos(end), count))
            .collect()
    }

    /// The rate in each slice of the time that was measured, from the first to the last: also where
    /// no reply came, and not in what is left behind the last whole one.
    pub(super) fn moments(&self, measured: Duration) -> Vec<Moment> {
        let width = SLICE.as_secs_f64();
        let whole = usize::try_from(measured.as_nanos() / SLICE.as_nanos()).unwrap_or(0);
        let rate = |(index, count): (usize, u64)| Moment {
            seconds: (index as f64 * width * 1000.0).round() / 1000.0,
            messages_per_second: count as f64 / width,
        };
        let counts = self.slices.iter().copied().chain(std::iter::repeat(0));
        counts.take(whole.max(1)).enumerate().map(rate).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_before_the_start_does_not_count() {
        let mut recorder = Recorder::new();
        recorder.reply(10, Duration::from_millis(500), Time::ZERO);
        let start = Time::ZERO + Duration::from_secs(1);
        recorder.start(start);
        for millis in 1..=100 {
            recorder.reply(10, Duration::from_millis(millis), start + Duration::from_millis(250));
        }
        assert_eq!((recorder.messages, recorder.bytes), (100, 1000));
        let latency = recorder.latency();
        let millis = |time: Duration| time.as_secs_f64() * 1000.0;
        assert!((millis(latency.p50) - 50.0).abs() < 0.1, "{latency:?}");
        assert!((millis(latency.p99) - 99.0).abs() < 0.1, "{latency:?}");
        assert!((millis(latency.max) - 100.0).abs() < 0.1, "{latency:?}");
        let rates = |millis| -> Vec<f64> {
            let moments = recorder.moments(Duration::from_millis(millis));
            moments.iter().map(|moment| moment.messages_per_second).collect()
        };
        assert_eq!(rates(290), [0.0, 0.0], "the last slice is not whole");
        assert_eq!(rates(510), [0.0, 0.0, 1000.0, 0.0, 0.0], "a stall is seen at the end, too");
        assert_eq!(recorder.bars().iter().map(|(_, count)| count).sum::<u64>(), 100);
    }
}
