//! Numbers, times and dates as people read them.

use std::time::Duration;

use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

const DATE: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day] [hour]:[minute]:[second] UTC");

/// `12 345`, with blanks that no line breaks at.
pub(super) fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 2);
    for (index, digit) in digits.char_indices() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// `1 h 02 min`, `3 min 04 s`, `5.1 s` or `30 ms`.
pub(super) fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0 => format!("{} ms", time.subsec_millis()),
        1..60 => format!("{seconds}.{} s", time.subsec_millis() / 100),
        60..3600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        _ => format!("{} h {:02} min", number(seconds / 3600), seconds / 60 % 60),
    }
}

/// A moment, given in seconds since the epoch.
pub(super) fn date(seconds: u64) -> String {
    let moment = i64::try_from(seconds).ok().and_then(|it| OffsetDateTime::from_unix_timestamp(it).ok());
    moment.and_then(|moment| moment.format(DATE).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_times_are_short_and_readable() {
        assert_eq!(number(0), "0");
        assert_eq!(number(1_234_567), "1\u{202f}234\u{202f}567");
        for (milliseconds, text) in
            [(30, "30 ms"), (5_120, "5.1 s"), (184_000, "3 min 04 s"), (3_725_000, "1 h 02 min")]
        {
            assert_eq!(duration(Duration::from_millis(milliseconds)), text);
        }
        assert_eq!(date(1_700_000_000), "2023-11-14 22:13:20 UTC");
    }
}
