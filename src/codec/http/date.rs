//! The `Date` field: IMF-fixdate, the one date format HTTP lets us generate (RFC 9110 §5.6.7).
//!
//! Called by [`Response::encode`](super::Response::encode). A pure function from seconds to 29
//! bytes: always GMT, always English, so it needs neither a time zone nor a locale.

/// `Sun, 06 Nov 1994 08:49:37 GMT` for 784111777 seconds since 1970-01-01 UTC.
///
/// The format has four digits for the year, so times before the year 0 or after the year 9999
/// show as the nearest one it can express.
pub fn imf_fixdate(unix_seconds: i64) -> [u8; 29] {
    let seconds = unix_seconds.clamp(FIRST_SECOND, LAST_SECOND);
    let days = seconds.div_euclid(SECONDS_PER_DAY);
    let second_of_day = seconds.rem_euclid(SECONDS_PER_DAY);
    let (year, month, day) = civil_from_days(days);

    let mut date = *b"Thu, 01 Jan 1970 00:00:00 GMT";
    // 1970-01-01 was a Thursday.
    date[0..3].copy_from_slice(pick(WEEKDAYS, days + 4));
    put_two_digits(&mut date[5..7], day);
    date[8..11].copy_from_slice(pick(MONTHS, month - 1));
    put_two_digits(&mut date[12..14], year / 100);
    put_two_digits(&mut date[14..16], year % 100);
    put_two_digits(&mut date[17..19], second_of_day / 3600);
    put_two_digits(&mut date[20..22], second_of_day / 60 % 60);
    put_two_digits(&mut date[23..25], second_of_day % 60);
    date
}

const SECONDS_PER_DAY: i64 = 86_400;

/// 0000-01-01 00:00:00.
const FIRST_SECOND: i64 = -62_167_219_200;

/// 9999-12-31 23:59:59.
const LAST_SECOND: i64 = 253_402_300_799;

const WEEKDAYS: &[[u8; 3]] = &[*b"Sun", *b"Mon", *b"Tue", *b"Wed", *b"Thu", *b"Fri", *b"Sat"];

const MONTHS: &[[u8; 3]] = &[
    *b"Jan", *b"Feb", *b"Mar", *b"Apr", *b"May", *b"Jun", *b"Jul", *b"Aug", *b"Sep", *b"Oct",
    *b"Nov", *b"Dec",
];

/// Year, month (1–12) and day (1–31) of a day counted from 1970-01-01 in the Gregorian calendar.
///
/// The year is taken to begin in March, so that the leap day is its last and month lengths follow
/// one formula; 719,468 days lie between 0000-03-01 and 1970-01-01, and an era of 400 years has
/// 146,097. (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".)
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    (year, month, day)
}

/// The name at `index`, counted round and round.
fn pick(names: &[[u8; 3]], index: i64) -> &[u8; 3] {
    let count = i64::try_from(names.len()).expect("there are at most twelve names");
    let index = usize::try_from(index.rem_euclid(count)).expect("a remainder is not negative");
    &names[index]
}

fn put_two_digits(place: &mut [u8], number: i64) {
    let number = u8::try_from(number).expect("every part of a clamped date is below 100");
    place[0] = b'0' + number / 10;
    place[1] = b'0' + number % 10;
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(unix_seconds: i64) -> String {
        String::from_utf8(imf_fixdate(unix_seconds).to_vec()).unwrap()
    }

    #[test]
    fn known_dates() {
        // The example of RFC 9110 §5.6.7, the epoch, leap days and the ends of the range.
        let table = [
            (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (-1, "Wed, 31 Dec 1969 23:59:59 GMT"),
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
            (4_107_542_399, "Sun, 28 Feb 2100 23:59:59 GMT"),
            (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"),
            (i64::MAX, "Fri, 31 Dec 9999 23:59:59 GMT"),
            (i64::MIN, "Sat, 01 Jan 0000 00:00:00 GMT"),
        ];
        for (seconds, expected) in table {
            assert_eq!(text(seconds), expected, "{seconds}");
        }
    }

    proptest! {
        #[test]
        fn agrees_with_the_calendar_of_jiff(seconds in FIRST_SECOND..=LAST_SECOND - 86_400) {
            let moment = jiff::Timestamp::from_second(seconds).unwrap();
            let expected = moment.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
            prop_assert_eq!(text(seconds), expected);
        }

        #[test]
        fn any_number_is_a_date(seconds: i64) {
            prop_assert!(text(seconds).ends_with(" GMT"));
        }
    }
}
