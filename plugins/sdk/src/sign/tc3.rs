//! Tencent Cloud's TC3-HMAC-SHA256 (API 3.0, "Signature v3").

use std::time::Duration;

use crate::date;
use crate::sign::Key;
use crate::sign::Parts;
use crate::sign::hex;
use crate::sign::hmac;
use crate::sign::sha256;

/// The value of `Authorization`. `now` is what `X-TC-Timestamp` says; the server allows five minutes either way.
#[must_use]
pub fn authorization(key: &Key, service: &str, now: Duration, parts: &Parts<'_>) -> String {
    let (canonical, headers) = parts.canonical();
    let day = date::day(now);
    let scope = format!("{day}/{service}/tc3_request");
    let text = format!("TC3-HMAC-SHA256\n{}\n{scope}\n{}", now.as_secs(), sha256(canonical.as_bytes()));
    let secret = hmac(format!("TC3{}", key.secret).as_bytes(), &day);
    let secret = hmac(&hmac(&secret, service), "tc3_request");
    let signature = hex(&hmac(&secret, &text));
    format!("TC3-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={headers}, Signature={signature}", key.id)
}
