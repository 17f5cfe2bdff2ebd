//! Times, as signatures and answers have them.

use std::time::SystemTime;
use std::time::UNIX_EPOCH;

/// Seconds since 1970, by this machine's clock.
pub(super) fn now() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap()
}

/// Seconds since 1970, of `20150830T123600Z` and nothing else.
pub(super) fn seconds(date: &str) -> Option<i64> {
    let shape: String = date.chars().map(|it| if it.is_ascii_digit() { '0' } else { it }).collect();
    if shape != "00000000T000000Z" {
        return None;
    }
    let part = |range| date.get(range).and_then(|digits: &str| digits.parse::<i64>().ok());
    let days = days(part(0..4)?, part(4..6)?, part(6..8)?);
    Some(days * 86_400 + part(9..11)? * 3600 + part(11..13)? * 60 + part(13..15)?)
}

/// Days since 1970, by the calendar whose years begin in March, so that the leap day is the last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    year * 365 + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 719_469
}
