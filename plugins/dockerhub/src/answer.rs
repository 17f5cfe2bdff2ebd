//! What Docker Hub answers.

use std::time::Duration;

use image_transfer_sdk::Error;
use image_transfer_sdk::Result;
use image_transfer_sdk::api;
use image_transfer_sdk::api::Kind;
use image_transfer_sdk::api::Refusal;
use image_transfer_sdk::http::Response;
use serde_json::Value;

/// How people call it.
const PROVIDER: &str = "Docker Hub";

/// The longest wait that is believed, seconds.
const LONGEST_WAIT: u64 = 3600;

/// What to do about a refusal of this kind, where more is known than the kind tells.
pub(crate) type Advice<'a> = &'a dyn Fn(Kind) -> Option<String>;

/// No advice but the usual.
pub(crate) const USUAL: Advice<'static> = &|_| None;

/// The body of a good answer, or the error that it is. `action` is what was asked for, as in "refused the list of tags".
pub(crate) fn read(action: &str, response: &Response, clock: fn() -> Duration, advice: Advice<'_>) -> Result<Value> {
    let status = response.status();
    if status == 429 {
        return Err(Error::RateLimited(wait(response, clock)));
    }
    let body = api::json(PROVIDER, action, response)?;
    if (200..300).contains(&status) {
        return Ok(body);
    }
    let message = ["message", "detail", "error"].into_iter().find_map(|name| body[name].as_str()).unwrap_or_default();
    let kind = api::kind_of(response);
    let code = status.to_string();
    Err(Refusal { provider: PROVIDER, action, code: &code, message, kind, advice: advice(kind) }.into())
}

/// Seconds to wait. Besides the usual header, which counts them, there is an older one with the time when it is over.
fn wait(response: &Response, clock: fn() -> Duration) -> Option<u32> {
    api::retry_after(response).or_else(|| {
        let until: u64 = response.header("x-retry-after")?.trim().parse().ok()?;
        let left = until.saturating_sub(clock().as_secs()).clamp(1, LONGEST_WAIT);
        u32::try_from(left).ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_told_in_seconds_or_by_its_end() {
        let clock = || Duration::from_secs(1_700_000_000);
        let wait = |headers: &[(&str, &str)]| {
            read("it", &Response::new(429, headers, "too many"), clock, USUAL).expect_err("refused")
        };
        assert_eq!(wait(&[("Retry-After", "7"), ("X-Retry-After", "1700000009")]), Error::RateLimited(Some(7)));
        assert_eq!(wait(&[("X-Retry-After", "1700000009")]), Error::RateLimited(Some(9)));
        assert_eq!(wait(&[("X-Retry-After", "1600000000")]), Error::RateLimited(Some(1)));
        assert_eq!(wait(&[]), Error::RateLimited(None));
    }
}
