//! Signature Version 4, verified from what came over the wire (IAM user guide, "Create a signed AWS API request").

use super::State;
use super::refusal::Refusal;
use crate::fakes::clock;
use crate::fakes::signing::hash;
use crate::fakes::signing::hex;
use crate::fakes::signing::hmac;
use crate::fakes::signing::query;
use crate::harness::api::Call;

/// Seconds that the clocks may differ by.
const SKEW: i64 = 300;

/// Whether the request is signed for this service, with a key that is known and at this time.
pub(super) fn verify(call: &Call, service: &str, state: &State) -> Result<(), Refusal> {
    let Some(header) = call.header("authorization") else {
        return Err(Refusal::new("MissingAuthenticationTokenException", "Missing Authentication Token"));
    };
    let incomplete = || {
        let message = "Authorization header requires 'Credential', 'SignedHeaders' and 'Signature' parameters.";
        Refusal::new("IncompleteSignatureException", message)
    };
    let (id, scope, signed, signature) = parts(header).ok_or_else(incomplete)?;
    let unknown = || {
        let message = "The security token included in the request is invalid.";
        Refusal::new("UnrecognizedClientException", message)
    };
    let key = state.keys.iter().find(|key| key.id == id).ok_or_else(unknown)?;
    if key.token.as_deref() != call.header("x-amz-security-token") {
        return Err(unknown());
    }
    if key.expired {
        let message = "The security token included in the request is expired";
        return Err(Refusal::new("ExpiredTokenException", message));
    }
    let date = call.header("x-amz-date").unwrap_or_default();
    let time = clock::seconds(date, clock::COMPACT).ok_or_else(incomplete)?;
    if (time - clock::milliseconds() / 1000 - state.ahead).abs() > SKEW {
        let message = format!("Signature expired: {date} is not within 5 min. of the server's time");
        return Err(Refusal::new("InvalidSignatureException", &message));
    }
    let day = &date[..8];
    let expected = format!("{day}/{}/{service}/aws4_request", state.region(service));
    if scope != expected {
        let message = format!("Credential should be scoped to {expected}, not {scope}.");
        return Err(Refusal::new("InvalidSignatureException", &message));
    }
    let canonical = canonical(call, signed);
    let text = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{}", hash(canonical.as_bytes()));
    let mut derived = format!("AWS4{}", key.secret).into_bytes();
    for part in scope.split('/') {
        derived = hmac(&derived, part);
    }
    if !complete(call, signed) || signature != hex(&hmac(&derived, &text)) {
        let message = format!(
            "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. The Canonical String for this request should have been\n'{canonical}'\n\nThe String-to-Sign should have been\n'{text}'\n"
        );
        return Err(Refusal::new("InvalidSignatureException", &message));
    }
    Ok(())
}

/// The identifier of the key, the scope, the names of the signed headers, and the signature.
fn parts(header: &str) -> Option<(&str, &str, &str, &str)> {
    let mut fields = header.strip_prefix("AWS4-HMAC-SHA256 ")?.split(',').map(str::trim);
    let (id, scope) = fields.next()?.strip_prefix("Credential=")?.split_once('/')?;
    let signed = fields.next()?.strip_prefix("SignedHeaders=")?;
    let signature = fields.next()?.strip_prefix("Signature=")?;
    fields.next().is_none().then_some((id, scope, signed, signature))
}

/// Whether these are the headers that are to be signed, in their order: `host`, `content-type`, and whatever begins with `x-amz-`.
fn complete(call: &Call, signed: &str) -> bool {
    let named: Vec<&str> = signed.split(';').collect();
    let needed = |name: &str| name == "host" || name == "content-type" || name.starts_with("x-amz-");
    let here = call.headers.iter().map(|(name, _)| name.to_lowercase());
    let digest = call.header("x-amz-content-sha256").is_none_or(|digest| digest == hash(&call.body));
    digest && named.is_sorted() && here.filter(|name| needed(name)).all(|name| named.contains(&name.as_str()))
}

/// Space around a header's value is left out, and of spaces within it all but one.
fn canonical(call: &Call, signed: &str) -> String {
    let words = |name| call.header(name).unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ");
    let headers: String = signed.split(';').map(|name| format!("{name}:{}\n", words(name))).collect();
    format!("{}\n{}\n{}\n{headers}\n{signed}\n{}", call.method, call.path, query(call), hash(&call.body))
}
