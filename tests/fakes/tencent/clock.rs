//! Dates, as the samples of the documentation have them.

use std::time::SystemTime;
use std::time::UNIX_EPOCH;

const DAY: i64 = 86_400;
const BEIJING: i64 = 8 * 3600;

/// Milliseconds since 1970, by this machine's clock.
pub(super) fn milliseconds() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

/// `2019-10-24`, in UTC, of seconds since 1970.
pub(super) fn day(seconds: i64) -> String {
    let (year, month, day) = civil(seconds.div_euclid(DAY));
    format!("{year:04}-{month:02}-{day:02}")
}

/// `2019-10-24 14:20:51 +0800 CST`, of `2019-10-24T06:20:51Z` with or without a fraction. Nothing stays nothing.
pub(super) fn beijing(utc: &str) -> String {
    if utc.is_empty() {
        return String::new();
    }
    let number = |range| utc.get(range).and_then(|digits: &str| digits.parse::<i64>().ok());
    let part = |range| number(range).unwrap_or_else(|| panic!("no date in UTC: {utc:?}"));
    let days = days(part(0..4), part(5..7), part(8..10));
    let seconds = days * DAY + part(11..13) * 3600 + part(14..16) * 60 + part(17..19) + BEIJING;
    let rest = seconds.rem_euclid(DAY);
    format!("{} {:02}:{:02}:{:02} +0800 CST", day(seconds), rest / 3600, rest / 60 % 60, rest % 60)
}

/// Days since 1970, by the calendar whose years begin in March, so that the leap day is the last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    year * 365 + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 719_469
}

/// Year, month and day.
fn civil(since_1970: i64) -> (i64, i64, i64) {
    let mut year = 1970 + since_1970 / 366;
    while days(year + 1, 1, 1) <= since_1970 {
        year += 1;
    }
    let month = (1..=12).rev().find(|month| days(year, *month, 1) <= since_1970).unwrap();
    (year, month, since_1970 - days(year, month, 1) + 1)
}
