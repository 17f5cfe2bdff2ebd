//! Signatures of requests: Tencent Cloud's TC3, Alibaba Cloud's ACS3, Amazon's version 4. All three hash a canonical form of the
//! request and sign the hash. Time and nonce are passed in, so the same input always gives the same bytes.

pub mod acs3;
pub mod sigv4;
pub mod tc3;

use std::fmt;
use std::fmt::Write as _;

use hmac::KeyInit;
use hmac::Mac;
use percent_encoding::AsciiSet;
use percent_encoding::NON_ALPHANUMERIC;
use percent_encoding::utf8_percent_encode;
use sha2::Digest;
use sha2::Sha256;

/// What is not escaped in a query (RFC 3986, section 2.3).
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A key of a provider's API. Its secret is not printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Key {
    /// Names it: `SecretId`, `AccessKeyId`.
    pub id: String,
    /// The secret.
    pub secret: String,
    /// The token of a temporary key.
    pub token: Option<String>,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("id", &self.id).finish_non_exhaustive()
    }
}

/// What is signed of a request.
#[derive(Debug, Clone, Copy)]
pub struct Parts<'a> {
    /// In capitals.
    pub method: &'a str,
    /// As it is sent.
    pub path: &'a str,
    /// Names and values as they are meant, in any order.
    pub query: &'a [(String, String)],
    /// The headers that are signed: names in lowercase, in any order. `host` with its port, where the URL has one.
    pub headers: &'a [(String, String)],
    /// The body.
    pub body: &'a [u8],
}

impl Parts<'_> {
    /// The canonical request, and the names of its headers with `;` between them.
    fn canonical(&self) -> (String, String) {
        let mut headers: Vec<(&str, &str)> =
            self.headers.iter().map(|(name, value)| (name.as_str(), value.trim())).collect();
        headers.sort_unstable();
        let names: Vec<&str> = headers.iter().map(|(name, _)| *name).collect();
        let names = names.join(";");
        let lines: String = headers.iter().fold(String::new(), |mut lines, (name, value)| {
            let _ = writeln!(lines, "{name}:{value}");
            lines
        });
        let query = query(self.query);
        let hash = sha256(self.body);
        (format!("{}\n{}\n{query}\n{lines}\n{names}\n{hash}", self.method, self.path), names)
    }
}

/// A query, sorted and escaped as signatures want it. It is also what is sent.
#[must_use]
pub fn query(parameters: &[(String, String)]) -> String {
    let mut parameters: Vec<(String, String)> =
        parameters.iter().map(|(name, value)| (escape(name), escape(value))).collect();
    parameters.sort_unstable();
    let parameters: Vec<String> = parameters.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    parameters.join("&")
}

/// Escapes everything that is not unreserved.
#[must_use]
pub fn escape(text: &str) -> String {
    utf8_percent_encode(text, UNRESERVED).to_string()
}

/// SHA-256 in lowercase hexadecimal.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Lowercase hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn hmac(key: &[u8], message: &str) -> Vec<u8> {
    // HMAC takes keys of any length (RFC 2104, section 2).
    let Ok(mut mac) = hmac::Hmac::<Sha256>::new_from_slice(key) else { return Vec::new() };
    mac.update(message.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

#[cfg(test)]
mod vectors;
