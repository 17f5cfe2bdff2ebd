//! What refers to a manifest.

use super::*;

#[tokio::test]
async fn referrers_come_from_the_api_page_by_page() {
    let [first, second] = [blob(b"1"), blob(b"2")];
    let expected = [first.clone(), second.clone()];
    let server = TestServer::start(move |request: &Received| {
        if request.target.ends_with("page=2") {
            return Reply::new(200).body(json!({"manifests": [second]}).to_string());
        }
        let link = format!("<{}?page=2>; rel=\"next\"", request.target);
        Reply::new(200).header("Link", link).body(json!({"manifests": [first]}).to_string())
    })
    .await;
    assert_eq!(registry(&server).referrers(&app(), &Digest::of(b"subject")).await.unwrap(), expected);
}

#[tokio::test]
async fn without_the_api_referrers_come_from_the_fallback_tag() {
    let (subject, listed) = (Digest::of(b"subject"), blob(b"1"));
    let (fallback, expected) = (format!("/v2/team/app/manifests/sha256-{}", subject.hex()), listed.clone());
    let server = TestServer::start(move |request: &Received| {
        let index = json!({"schemaVersion": 2, "manifests": [listed]}).to_string();
        if request.target == fallback { Reply::new(200).body(index) } else { Reply::new(404) }
    })
    .await;
    assert_eq!(registry(&server).referrers(&app(), &subject).await.unwrap(), [expected]);
    assert_eq!(registry(&server).referrers(&app(), &Digest::of(b"lonely")).await.unwrap(), []);
}
