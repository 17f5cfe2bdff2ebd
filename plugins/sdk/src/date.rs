//! Dates, as signatures and providers write them.

use std::time::Duration;

use time::OffsetDateTime;
use time::PrimitiveDateTime;
use time::UtcOffset;
use time::format_description::BorrowedFormatItem;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

/// `2023-11-14T22:13:20Z`.
const ISO: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");
/// `20231114T221320Z`.
const COMPACT: &[BorrowedFormatItem<'_>] = format_description!("[year][month][day]T[hour][minute][second]Z");
/// `2023-11-14`.
const DAY: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]");
/// `2023-11-14 22:13:20`, by a clock that is not said.
const PLAIN: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day] [hour]:[minute]:[second]");

/// `2023-11-14T22:13:20Z`, of a time since 1970.
#[must_use]
pub fn iso(since_epoch: Duration) -> String {
    format(since_epoch, ISO)
}

/// `20231114T221320Z`, of a time since 1970.
#[must_use]
pub fn compact(since_epoch: Duration) -> String {
    format(since_epoch, COMPACT)
}

/// `2023-11-14`, of a time since 1970, in UTC.
#[must_use]
pub fn day(since_epoch: Duration) -> String {
    format(since_epoch, DAY)
}

/// A provider's date by RFC 3339, in UTC where it says its offset. What has none (`2023-11-14 22:13:20`) is read with `offset` hours
/// east of Greenwich. None where it is no date.
#[must_use]
pub fn rfc3339(text: &str, offset: i8) -> Option<String> {
    let text = text.trim();
    let date = OffsetDateTime::parse(text, &Rfc3339).ok().or_else(|| {
        let plain = PrimitiveDateTime::parse(text.get(..19)?, PLAIN).ok()?;
        let usual = UtcOffset::from_hms(offset, 0, 0).ok()?;
        Some(plain.assume_offset(offset_of(&text[19..], usual)?))
    })?;
    date.to_offset(UtcOffset::UTC).format(ISO).ok()
}

/// The offset in ` +0800 CST`, the way Go prints a date; `usual` where nothing follows.
fn offset_of(rest: &str, usual: UtcOffset) -> Option<UtcOffset> {
    let rest = rest.trim_start_matches(|c: char| c == '.' || c.is_ascii_digit()).trim();
    if rest.is_empty() {
        return Some(usual);
    }
    let sign = match rest.get(..1)? {
        "+" => 1,
        "-" => -1,
        _ => return rest.starts_with("UTC").then_some(UtcOffset::UTC),
    };
    let (hours, minutes) = (rest.get(1..3)?.parse::<i8>().ok()?, rest.get(3..5)?.parse::<i8>().ok()?);
    UtcOffset::from_hms(sign * hours, sign * minutes, 0).ok()
}

/// RFC 3339 of a time since 1970.
#[must_use]
pub fn of_epoch(seconds: u64) -> String {
    iso(Duration::from_secs(seconds))
}

fn format(since_epoch: Duration, description: &[BorrowedFormatItem<'_>]) -> String {
    let seconds = i64::try_from(since_epoch.as_secs()).unwrap_or_default();
    let date = OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    // Dates of four-digit years always have these parts.
    date.format(description).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_as_signatures_want_it() {
        let time = Duration::from_secs(1_700_000_000);
        assert_eq!(iso(time), "2023-11-14T22:13:20Z");
        assert_eq!(compact(time), "20231114T221320Z");
        assert_eq!(day(time), "2023-11-14");
    }

    #[test]
    fn a_providers_date_becomes_rfc_3339() {
        for (text, expected) in [
            ("2023-11-14 22:13:20", Some("2023-11-14T14:13:20Z")),
            ("2023-11-14 22:13:20 +0800 CST", Some("2023-11-14T14:13:20Z")),
            ("2023-11-14 22:13:20.5 +0000 UTC", Some("2023-11-14T22:13:20Z")),
            ("2023-11-14T22:13:20.123Z", Some("2023-11-14T22:13:20Z")),
            ("2023-11-14T22:13:20+08:00", Some("2023-11-14T14:13:20Z")),
            ("yesterday", None),
            ("", None),
        ] {
            assert_eq!(rfc3339(text, 8).as_deref(), expected, "{text}");
        }
    }
}
