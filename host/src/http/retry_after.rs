//! The `Retry-After` header (RFC 9110, section 10.2.3).

use std::time::Duration;
use std::time::SystemTime;

use http::HeaderMap;
use http::header;

use crate::limit::LONGEST_PAUSE;

/// The pause that a response asks for, given in seconds or as a date, at most 15 minutes.
#[must_use]
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    parse(headers.get(header::RETRY_AFTER)?.to_str().ok()?, SystemTime::now())
}

/// How long until the window of a rate limit begins anew, in seconds, where a host tells it (`ratelimit-reset`).
pub(super) fn reset(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get("ratelimit-reset").or_else(|| headers.get("x-ratelimit-reset"))?.to_str().ok()?;
    let seconds: u64 = text.split([';', ',']).next()?.trim().parse().ok()?;
    // GitHub and others give the moment, not the span.
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs();
    let span = if seconds > 1_000_000_000 { seconds.saturating_sub(now) } else { seconds };
    Some(Duration::from_secs(span).min(LONGEST_PAUSE))
}

fn parse(text: &str, now: SystemTime) -> Option<Duration> {
    let text = text.trim();
    let pause = if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        text.parse().map_or(LONGEST_PAUSE, Duration::from_secs)
    } else {
        // A date that has passed asks for no pause.
        httpdate::parse_http_date(text).ok()?.duration_since(now).unwrap_or_default()
    };
    Some(pause.min(LONGEST_PAUSE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_dates_are_read_and_cut_to_a_quarter_of_an_hour() {
        let now = httpdate::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT").expect("date");
        for (text, seconds) in [
            ("0", Some(0)),
            (" 7 ", Some(7)),
            ("1000000000", Some(900)),
            ("99999999999999999999999", Some(900)),
            ("Sun, 06 Nov 1994 08:49:47 GMT", Some(10)),
            ("Sun, 06 Nov 1994 08:49:27 GMT", Some(0)),
            ("Sat, 06 Nov 2094 08:49:37 GMT", Some(900)),
            ("soon", None),
            ("-1", None),
            ("", None),
        ] {
            assert_eq!(parse(text, now), seconds.map(Duration::from_secs), "{text:?}");
        }
    }
}
