//! Alibaba Cloud's ACS3-HMAC-SHA256 ("Request syntax and signature method V3"), the same for its RPC and its ROA style.

use crate::sign::Key;
use crate::sign::Parts;
use crate::sign::hex;
use crate::sign::hmac;
use crate::sign::sha256;

/// The value of `Authorization`. Date and nonce are among the headers; the server takes a nonce once.
#[must_use]
pub fn authorization(key: &Key, parts: &Parts<'_>) -> String {
    let (canonical, headers) = parts.canonical();
    let text = format!("ACS3-HMAC-SHA256\n{}", sha256(canonical.as_bytes()));
    let signature = hex(&hmac(key.secret.as_bytes(), &text));
    format!("ACS3-HMAC-SHA256 Credential={},SignedHeaders={headers},Signature={signature}", key.id)
}
