//! Durations and sizes as people write them: `250ms`, `5s`, `2m`, `1h`; `64KiB`, `1MiB`, `512`.
//!
//! Both types print in the notation they are read from, and what they print reads back as the same
//! value. Neither can be zero, nor so large that it could only be a typo.

use std::error::Error;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::engine::Limits;

/// How long to wait: whole milliseconds, from 1 ms to 8760 h (a year).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Timeout(Duration);

impl Timeout {
    /// The longest.
    pub const MAX: Timeout = Timeout(Duration::from_secs(8760 * 3600));

    /// `duration` without what it has of a millisecond; `None` if it is out of range.
    pub const fn new(duration: Duration) -> Option<Timeout> {
        let millis = duration.as_millis();
        if millis == 0 || millis > Timeout::MAX.0.as_millis() {
            return None;
        }
        // The range was checked, so this is exact.
        #[allow(clippy::cast_possible_truncation)]
        Some(Timeout(Duration::from_millis(millis as u64)))
    }

    /// As the standard type.
    pub const fn duration(self) -> Duration {
        self.0
    }
}

impl From<Timeout> for Duration {
    fn from(timeout: Timeout) -> Duration {
        timeout.0
    }
}

/// The units of [`Timeout`] in milliseconds, the largest first.
const DURATION_UNITS: [(&str, u64); 4] = [("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

impl FromStr for Timeout {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Timeout, UnitError> {
        let (digits, unit) = split_unit(text);
        if digits.is_empty() {
            return Err(UnitError::BadDuration);
        }
        if unit.is_empty() {
            return Err(UnitError::DurationWithoutUnit);
        }
        let (_, unit_ms) = DURATION_UNITS
            .into_iter()
            .find(|(name, _)| *name == unit)
            .ok_or(UnitError::BadDuration)?;
        if digits.bytes().all(|digit| digit == b'0') {
            return Err(UnitError::ZeroDuration);
        }
        // Digits only, so a number that does not parse is one that is too large.
        digits
            .parse::<u64>()
            .ok()
            .and_then(|number| number.checked_mul(unit_ms))
            .and_then(|millis| Timeout::new(Duration::from_millis(millis)))
            .ok_or(UnitError::DurationTooLong)
    }
}

impl fmt::Display for Timeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_in_largest_unit(f, self.0.as_millis(), &DURATION_UNITS)
    }
}

/// How long to spin: whole microseconds, from none at all to 1 s.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct Spin(Duration);

impl Spin {
    /// As the standard type.
    pub const fn duration(self) -> Duration {
        self.0
    }
}

impl FromStr for Spin {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Spin, UnitError> {
        let time = match split_unit(text) {
            ("0", "") => return Ok(Spin::default()),
            (digits, "us") => {
                digits.parse().map(Duration::from_micros).map_err(|_| UnitError::BadSpin)?
            }
            _ => match text.parse::<Timeout>() {
                Err(UnitError::DurationWithoutUnit) => return Err(UnitError::DurationWithoutUnit),
                other => other.map(|time| time.0).map_err(|_| UnitError::BadSpin)?,
            },
        };
        Spin(time).checked()
    }
}

impl Spin {
    fn checked(self) -> Result<Spin, UnitError> {
        if self.0 > Duration::from_secs(1) { Err(UnitError::BadSpin) } else { Ok(self) }
    }
}

impl fmt::Display for Spin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_micros() {
            0 => f.write_str("0"),
            micros => write!(f, "{micros}us"),
        }
    }
}

/// A number of bytes, from 1 to `MOST`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Bytes<const MOST: usize>(usize);

/// A size of something that one connection has: at most 1 GiB.
pub type ByteSize = Bytes<{ 1 << 30 }>;

/// A size of what all have together: at most [`Limits::MOST_MEMORY`].
pub type MemorySize = Bytes<{ Limits::MOST_MEMORY }>;

impl<const MOST: usize> Bytes<MOST> {
    /// The largest.
    pub const MAX: Bytes<MOST> = Bytes(MOST);

    /// `bytes` bytes; `None` if that is out of range.
    pub const fn new(bytes: usize) -> Option<Bytes<MOST>> {
        if bytes == 0 || bytes > MOST { None } else { Some(Bytes(bytes)) }
    }

    /// As a plain number.
    pub const fn bytes(self) -> usize {
        self.0
    }
}

/// The units of [`Bytes`], the largest first.
const SIZE_UNITS: [(&str, u64); 4] =
    [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("", 1)];

impl<const MOST: usize> FromStr for Bytes<MOST> {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Bytes<MOST>, UnitError> {
        let (digits, unit) = split_unit(text);
        let (_, unit_bytes) = SIZE_UNITS
            .into_iter()
            .find(|(name, _)| *name == unit && !digits.is_empty())
            .ok_or(UnitError::BadSize)?;
        if digits.bytes().all(|digit| digit == b'0') {
            return Err(UnitError::ZeroSize);
        }
        digits
            .parse::<u64>()
            .ok()
            .and_then(|number| number.checked_mul(unit_bytes))
            .and_then(|bytes| usize::try_from(bytes).ok())
            .and_then(Bytes::new)
            .ok_or(UnitError::SizeTooLarge(MOST))
    }
}

impl<const MOST: usize> fmt::Display for Bytes<MOST> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_in_largest_unit(f, self.0 as u128, &SIZE_UNITS)
    }
}

/// Why a text is no [`Timeout`] or no [`Bytes`]. The messages do not repeat the text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum UnitError {
    /// Not a number and a unit.
    BadDuration,
    /// A number and nothing else.
    DurationWithoutUnit,
    /// Nothing is given no time at all.
    ZeroDuration,
    /// Longer than [`Timeout::MAX`].
    DurationTooLong,
    /// No time to spin.
    BadSpin,
    /// Not a number with or without a unit.
    BadSize,
    /// Nothing has room for no bytes at all.
    ZeroSize,
    /// Larger than this.
    SizeTooLarge(usize),
}

impl fmt::Display for UnitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            UnitError::BadDuration => f.write_str("write a duration as 250ms, 5s, 2m or 1h"),
            UnitError::DurationWithoutUnit => {
                f.write_str("a duration needs a unit: 250ms, 5s, 2m or 1h")
            }
            UnitError::ZeroDuration => f.write_str("it has to be more than zero"),
            UnitError::DurationTooLong => write!(f, "at most {}", Timeout::MAX),
            UnitError::BadSpin => {
                f.write_str("write a time to spin as 50us or 1ms, at most 1s, or 0")
            }
            UnitError::BadSize => f.write_str("write a size as 512 (bytes), 64KiB, 1MiB or 1GiB"),
            UnitError::ZeroSize => f.write_str("it has to be more than zero"),
            UnitError::SizeTooLarge(most) => {
                f.write_str("at most ")?;
                write_in_largest_unit(f, *most as u128, &SIZE_UNITS)
            }
        }
    }
}

impl Error for UnitError {}

/// The digits at the front, and the rest.
fn split_unit(text: &str) -> (&str, &str) {
    let end = text.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    text.split_at(end)
}

/// Writes `value` in the first unit that divides it; the last one is 1 and always does.
fn write_in_largest_unit(
    f: &mut fmt::Formatter<'_>,
    value: u128,
    units: &[(&str, u64)],
) -> fmt::Result {
    for (name, factor) in units {
        if value.is_multiple_of(u128::from(*factor)) {
            // `pad` so that a column of them can be aligned.
            return f.pad(&format!("{}{name}", value / u128::from(*factor)));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn timeout(text: &str) -> Result<String, UnitError> {
        text.parse::<Timeout>().map(|timeout| timeout.to_string())
    }

    fn size(text: &str) -> Result<String, UnitError> {
        text.parse::<ByteSize>().map(|size| size.to_string())
    }

    #[test]
    fn durations_have_a_unit() {
        assert_eq!(timeout("250ms"), Ok("250ms".into()));
        assert_eq!(timeout("5s"), Ok("5s".into()));
        assert_eq!(timeout("1500ms"), Ok("1500ms".into()));
        assert_eq!(timeout("120s"), Ok("2m".into()));
        assert_eq!(timeout("060m"), Ok("1h".into()));
        assert_eq!(timeout("8760h"), Ok("8760h".into()));
        assert_eq!(timeout("5"), Err(UnitError::DurationWithoutUnit));
        assert_eq!(timeout("0"), Err(UnitError::DurationWithoutUnit));
        for bad in ["", "s", "-5s", "+5s", "5 s", "5S", "1.5s", "5s ", "5us", "1h30m", "\u{0663}s"]
        {
            assert_eq!(timeout(bad), Err(UnitError::BadDuration), "{bad:?}");
        }
        assert_eq!(timeout("0s"), Err(UnitError::ZeroDuration));
        for long in ["5124095576031h", "8761h", "99999999999999999999ms", "18446744073709551615h"] {
            assert_eq!(timeout(long), Err(UnitError::DurationTooLong), "{long:?}");
        }
    }

    #[test]
    fn spinning_takes_microseconds() {
        let spin = |text: &str| text.parse::<Spin>().map(|spin| spin.to_string());
        assert_eq!(spin("50us"), Ok("50us".into()));
        assert_eq!(spin("2ms"), Ok("2000us".into()));
        assert_eq!(spin("0"), Ok("0".into()));
        assert_eq!(spin("1s"), Ok("1000000us".into()));
        for bad in ["us", "-1us", "2s", "1000001us", "99999999999999999999us"] {
            assert_eq!(spin(bad), Err(UnitError::BadSpin), "{bad:?}");
        }
        assert_eq!(spin("50"), Err(UnitError::DurationWithoutUnit));
    }

    #[test]
    fn sizes_are_bytes_or_have_a_binary_unit() {
        assert_eq!(size("1"), Ok("1".into()));
        assert_eq!(size("64KiB"), Ok("64KiB".into()));
        assert_eq!(size("65536"), Ok("64KiB".into()));
        assert_eq!(size("1024KiB"), Ok("1MiB".into()));
        assert_eq!(size("1GiB"), Ok("1GiB".into()));
        assert_eq!(size("1000000"), Ok("1000000".into()));
        for bad in ["", "KiB", "-1", "+1", "64KB", "64k", "64kib", "1.5MiB", "1 MiB", "1MiB "] {
            assert_eq!(size(bad), Err(UnitError::BadSize), "{bad:?}");
        }
        assert_eq!(size("0"), Err(UnitError::ZeroSize));
        assert_eq!(size("0MiB"), Err(UnitError::ZeroSize));
        for large in [
            "17179869185GiB",
            "1073741825",
            "2GiB",
            "99999999999999999999",
            "18446744073709551615GiB",
        ] {
            assert_eq!(size(large), Err(UnitError::SizeTooLarge(1 << 30)), "{large:?}");
        }
    }

    #[test]
    fn the_message_shows_the_notation() {
        assert_eq!(
            UnitError::DurationWithoutUnit.to_string(),
            "a duration needs a unit: 250ms, 5s, 2m or 1h"
        );
        assert_eq!(UnitError::SizeTooLarge(1 << 30).to_string(), "at most 1GiB");
        for (text, size) in
            [("1536MiB", "1536MiB"), ("2147483648", "2GiB"), ("1024GiB", "1024GiB"), ("7", "7")]
        {
            assert_eq!(text.parse::<MemorySize>().map(|size| size.to_string()), Ok(size.into()));
        }
        let error = "1025GiB".parse::<MemorySize>().unwrap_err();
        assert_eq!(error.to_string(), "at most 1024GiB");
    }

    #[test]
    fn what_is_made_from_numbers_is_checked_too() {
        assert_eq!(Timeout::new(Duration::from_micros(999)), None);
        assert_eq!(Timeout::new(Duration::MAX), None);
        assert_eq!(
            Timeout::new(Duration::from_micros(1_999)).map(Timeout::duration),
            Some(Duration::from_millis(1))
        );
        assert_eq!(ByteSize::new(0), None);
        assert_eq!(ByteSize::new(usize::MAX), None);
    }

    proptest! {
        #[test]
        fn what_is_printed_reads_back(
            millis in 1..=8760 * 3_600_000_u64, bytes in 1..=1_usize << 30,
        ) {
            let timeout = Timeout::new(Duration::from_millis(millis)).expect("in range");
            prop_assert_eq!(timeout.to_string().parse(), Ok(timeout));
            let size = ByteSize::new(bytes).expect("in range");
            prop_assert_eq!(size.to_string().parse(), Ok(size));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[0-9]{0,22}[a-zA-Z]{0,3}|.*") {
            if let Ok(timeout) = text.parse::<Timeout>() {
                prop_assert!(!timeout.duration().is_zero() && timeout <= Timeout::MAX);
            }
            if let Ok(size) = text.parse::<ByteSize>() {
                prop_assert!(size.bytes() > 0 && size <= ByteSize::MAX);
            }
        }
    }
}
