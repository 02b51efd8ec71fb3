//! How often, exactly: in integers, so that an hour of a million a second is not off by one.

use std::time::Duration;

/// So many thousandths a second.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Rate(u64);

/// The highest: a million a second.
const MAX: u64 = 1_000_000 * 1_000;

/// A thousandth a second, in nanoseconds.
const UNIT: u128 = 1_000_000_000 * 1_000;

impl Rate {
    /// Reads a decimal number from 0.001 to 1000000 with at most three places behind the point.
    pub(super) fn parse(text: &str) -> Option<Rate> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let is_number = |digits: &str| {
            (1..=7).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
        };
        if !is_number(whole) || !is_number(fraction) || fraction.len() > 3 {
            return None;
        }
        let thousandths = format!("{whole}{fraction:0<3}").parse().ok()?;
        (1..=MAX).contains(&thousandths).then_some(Rate(thousandths))
    }

    /// When the sample has its moment that comes `number` after the first.
    pub(super) fn moment(self, number: u64) -> Duration {
        let nanos = (u128::from(number) * UNIT).div_ceil(u128::from(self.0));
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// How many samples have had their moment, the first included, when so much time has passed since
    /// the first.
    pub(super) fn due(self, passed: Duration) -> u64 {
        let before = passed.as_nanos() * u128::from(self.0) / UNIT;
        u64::try_from(before).unwrap_or(u64::MAX).saturating_add(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_a_decimal_number() {
        for (text, rate) in [
            ("1", 1_000),
            ("0.001", 1),
            ("1000000", MAX),
            ("1000000.0", MAX),
            ("2.5", 2_500),
            ("0.25", 250),
            ("007", 7_000),
        ] {
            assert_eq!(Rate::parse(text), Some(Rate(rate)), "{text}");
        }
        for text in [
            "",
            "0",
            "0.0",
            "0.0001",
            "1000001",
            "1000000.001",
            "-1",
            "+1",
            "1e3",
            ".5",
            "1.",
            "x",
            "1.2.3",
            "99999999",
        ] {
            assert_eq!(Rate::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_sample_is_due_from_its_moment_on() {
        for rate in [1, 3, 7_777, 1_000, 999_999_999, MAX].map(Rate) {
            for number in [0, 1, 2, 1_000, 12_345_678] {
                let moment = rate.moment(number);
                assert!(rate.due(moment) > number, "{rate:?} {number}");
                let before = moment.saturating_sub(Duration::from_nanos(1));
                assert!(number == 0 || rate.due(before) <= number, "{rate:?} {number}");
            }
        }
        assert_eq!(Rate(1_000).due(Duration::from_millis(2_999)), 3);
        assert_eq!(Rate(MAX).due(Duration::from_secs(3_600)), 3_600_000_001);
    }
}
