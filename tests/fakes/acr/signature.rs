//! ACS3-HMAC-SHA256, verified from what came over the wire (documentation, "Request syntax and signature method V3").

use super::State;
use super::gateway::Refusal;
use crate::fakes::clock;
use crate::fakes::signing::hash;
use crate::fakes::signing::hex;
use crate::fakes::signing::hmac;
use crate::fakes::signing::query;
use crate::harness::api::Call;

/// Seconds that the clocks may differ by.
const SKEW: i64 = 15 * 60;

/// What no request is without.
const REQUIRED: [&str; 6] =
    ["host", "x-acs-action", "x-acs-content-sha256", "x-acs-date", "x-acs-signature-nonce", "x-acs-version"];

/// Whether the request is signed, with a key that is known, at this time and for the first time.
pub(super) fn verify(call: &Call, state: &mut State) -> Result<(), Refusal> {
    let header = call.header("authorization").unwrap_or_default();
    let incomplete =
        || Refusal::new(400, "IncompleteSignature", "The request signature does not conform to standards.");
    let (id, signed, signature) = parts(header).ok_or_else(incomplete)?;
    if let Some(absent) = REQUIRED.iter().find(|name| call.header(name).is_none()) {
        let message = format!("{absent} is mandatory for this action.");
        return Err(Refusal::new(400, "MissingParameter", &message));
    }
    let value = |name| call.header(name).unwrap_or_default();
    let malformed =
        || Refusal::new(400, "InvalidTimeStamp.Format", "Specified time stamp or date value is not well formatted.");
    let date = clock::seconds(value("x-acs-date"), clock::ISO).ok_or_else(malformed)?;
    if (date - clock::milliseconds() / 1000 - state.ahead).abs() > SKEW {
        let message = "Specified time stamp or date value is expired.";
        return Err(Refusal::new(400, "InvalidTimeStamp.Expired", message));
    }
    let unknown = || Refusal::new(404, "InvalidAccessKeyId.NotFound", "Specified access key is not found.");
    let key = state.keys.iter().find(|key| key.id == id).ok_or_else(unknown)?;
    match (&key.token, call.header("x-acs-security-token")) {
        (None, None) => {}
        (Some(token), Some(given)) if token == given => {
            if key.expired {
                return Err(Refusal::new(400, "InvalidSecurityToken.Expired", "Specified SecurityToken is expired."));
            }
        }
        (Some(_), None) => return Err(unknown()),
        _ => {
            let code = "InvalidSecurityToken.MismatchWithAccessKey";
            return Err(Refusal::new(400, code, "Specified SecurityToken mismatch with the AccessKey."));
        }
    }
    let canonical = canonical(call, signed);
    let text = format!("ACS3-HMAC-SHA256\n{}", hash(canonical.as_bytes()));
    let whole = value("x-acs-content-sha256") == hash(&call.body);
    if !complete(call, signed) || !whole || signature != hex(&hmac(key.secret.as_bytes(), &text)) {
        let message = format!(
            "Specified signature is not matched with our calculation. server string to sign is:{text}, server canonicalRequest is:{canonical}"
        );
        return Err(Refusal::new(400, "SignatureDoesNotMatch", &message));
    }
    if !state.nonces.insert(value("x-acs-signature-nonce").to_owned()) {
        return Err(Refusal::new(400, "SignatureNonceUsed", "Specified signature nonce was used already."));
    }
    Ok(())
}

/// The identifier of the key, the names of the signed headers, and the signature.
fn parts(header: &str) -> Option<(&str, &str, &str)> {
    let mut fields = header.strip_prefix("ACS3-HMAC-SHA256 ")?.split(',');
    let id = fields.next()?.strip_prefix("Credential=")?;
    let signed = fields.next()?.strip_prefix("SignedHeaders=")?;
    let signature = fields.next()?.strip_prefix("Signature=")?;
    fields.next().is_none().then_some((id, signed, signature))
}

/// Whether these are the headers that are to be signed, in their order: `host`, `content-type`, and whatever begins with `x-acs-`.
fn complete(call: &Call, signed: &str) -> bool {
    let named: Vec<&str> = signed.split(';').collect();
    let needed = |name: &str| name == "host" || name == "content-type" || name.starts_with("x-acs-");
    let here = call.headers.iter().map(|(name, _)| name.to_lowercase());
    named.is_sorted() && here.filter(|name| needed(name)).all(|name| named.contains(&name.as_str()))
}

fn canonical(call: &Call, signed: &str) -> String {
    let value = |name| call.header(name).unwrap_or_default().trim();
    let headers: String = signed.split(';').map(|name| format!("{name}:{}\n", value(name))).collect();
    let digest = value("x-acs-content-sha256");
    format!("{}\n{}\n{}\n{headers}\n{signed}\n{digest}", call.method, call.path, query(call))
}
