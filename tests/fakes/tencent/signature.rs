//! TC3-HMAC-SHA256, verified from what came over the wire (documentation, "Signature v3").

use super::SECRET_ID;
use super::SECRET_KEY;
use super::check::Error;
use crate::fakes::clock;
use crate::fakes::signing::hash;
use crate::fakes::signing::hex;
use crate::fakes::signing::hmac;
use crate::harness::api::Call;

/// Seconds that the clocks may differ by.
const SKEW: i64 = 300;

/// Whether the request is signed, with the customer's key and at this time.
pub(super) fn verify(call: &Call, now: i64) -> Result<(), Error> {
    let header = call.header("authorization").unwrap_or_default();
    let Some((id, scope, signed, signature)) = parts(header) else {
        return Err(Error::new(
            "AuthFailure.InvalidAuthorization",
            "the Authorization header is not by TC3-HMAC-SHA256",
        ));
    };
    let timestamp = call.header("x-tc-timestamp").unwrap_or_default();
    let Ok(seconds) = timestamp.parse::<i64>() else { return Err(Error::missing("Timestamp")) };
    if id != SECRET_ID {
        return Err(Error::new(
            "AuthFailure.SecretIdNotFound",
            "The SecretId is not found, please ensure that your SecretId is correct.",
        ));
    }
    if (seconds - now).abs() > SKEW {
        return Err(Error::new(
            "AuthFailure.SignatureExpire",
            "The request has expired: timestamp and server time differ too much.",
        ));
    }
    let day = clock::day(seconds);
    let text = format!("TC3-HMAC-SHA256\n{timestamp}\n{scope}\n{}", hash(canonical(call, signed).as_bytes()));
    let key = hmac(format!("TC3{SECRET_KEY}").as_bytes(), &day);
    let key = hmac(&hmac(&key, "tcr"), "tc3_request");
    let named: Vec<&str> = signed.split(';').collect();
    let enough = ["content-type", "host"].iter().all(|name| named.contains(name)) && named.is_sorted();
    if !enough || scope != format!("{day}/tcr/tc3_request") || signature != hex(&hmac(&key, &text)) {
        let message = "The provided credentials could not be validated. Please check your signature is correct.";
        return Err(Error::new("AuthFailure.SignatureFailure", message));
    }
    Ok(())
}

/// The identifier of the key, the scope, the names of the signed headers, and the signature.
fn parts(header: &str) -> Option<(&str, &str, &str, &str)> {
    let rest = header.strip_prefix("TC3-HMAC-SHA256 ")?;
    let mut fields = rest.split(',').map(str::trim);
    let (id, scope) = fields.next()?.strip_prefix("Credential=")?.split_once('/')?;
    let signed = fields.next()?.strip_prefix("SignedHeaders=")?;
    let signature = fields.next()?.strip_prefix("Signature=")?;
    fields.next().is_none().then_some((id, scope, signed, signature))
}

/// Names and values of headers are in lowercase and without space around them.
fn canonical(call: &Call, signed: &str) -> String {
    let value = |name| call.header(name).unwrap_or_default().trim().to_lowercase();
    let headers: String = signed.split(';').map(|name| format!("{name}:{}\n", value(name))).collect();
    format!("{}\n{}\n{}\n{headers}\n{signed}\n{}", call.method, call.path, call.query, hash(&call.body))
}
