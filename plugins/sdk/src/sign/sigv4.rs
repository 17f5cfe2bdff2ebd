//! Amazon's AWS4-HMAC-SHA256 (Signature Version 4), for services that take the path as it is.

use crate::sign::Key;
use crate::sign::Parts;
use crate::sign::hex;
use crate::sign::hmac;
use crate::sign::sha256;

/// The value of `Authorization`. `date` is what `X-Amz-Date` says (`20150830T123600Z`); the server allows five minutes either way.
#[must_use]
pub fn authorization(key: &Key, region: &str, service: &str, date: &str, parts: &Parts<'_>) -> String {
    let (canonical, headers) = parts.canonical();
    let day = date.get(..8).unwrap_or(date);
    let scope = format!("{day}/{region}/{service}/aws4_request");
    let text = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{}", sha256(canonical.as_bytes()));
    let secret = hmac(format!("AWS4{}", key.secret).as_bytes(), day);
    let secret = hmac(&hmac(&hmac(&secret, region), service), "aws4_request");
    let signature = hex(&hmac(&secret, &text));
    format!("AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={headers}, Signature={signature}", key.id)
}
