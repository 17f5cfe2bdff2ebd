//! What an instance's registry says at `GET /v2/`, which is how a client learns of its edition.

use serde_json::json;

use crate::harness::api::Reply;

/// The registry's 401, with the place where it sends clients for tokens. `place` is what ends the name of its service: the instance's
/// identifier in the enterprise edition, such as `china:cri-xxxx`, and a number in the personal one, `26842`. It goes out from a
/// server of the test's own; the API does not answer this.
pub fn challenge(realm: &str, region: &str, place: &str) -> Reply {
    let service = format!("registry.aliyuncs.com:{region}:{place}");
    let body = json!({"errors": [{"code": "UNAUTHORIZED", "message": "authentication required", "detail": null}]});
    Reply::json(401, &body)
        .with("Docker-Distribution-Api-Version", "registry/2.0")
        .with("WWW-Authenticate", format!("Bearer realm=\"{realm}\",service=\"{service}\""))
}
