//! Manifests, read and written.

use super::*;

fn manifest() -> Manifest {
    Manifest::new(None, Bytes::from_static(br#"{"schemaVersion":2,"layers":[]}"#), None).unwrap()
}

#[tokio::test]
async fn a_head_is_enough_where_it_tells_the_digest() {
    let server =
        TestServer::start(|_| Reply::new(200).header("Docker-Content-Digest", manifest().digest().as_str())).await;
    let digest = registry(&server).resolve(&app(), &v1()).await.unwrap();
    assert_eq!(digest.as_ref(), Some(manifest().digest()));
    assert_eq!(lines(&server), ["HEAD /v2/team/app/manifests/v1"]);
    let accept = server.received().last().unwrap().header("accept").to_owned();
    assert!(
        accept.starts_with("application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, ")
    );
}

#[tokio::test]
async fn get_stands_in_for_a_head_that_is_refused_or_tells_nothing() {
    for status in [200, 401, 405] {
        let server = TestServer::start(move |request: &Received| match request.method.as_str() {
            "HEAD" => Reply::new(status),
            _ => Reply::new(200).body(manifest().bytes().clone()),
        })
        .await;
        let digest = registry(&server).resolve(&app(), &v1()).await.unwrap();
        assert_eq!(digest.as_ref(), Some(manifest().digest()), "{status}");
    }
}

#[tokio::test]
async fn what_is_missing_resolves_to_none() {
    let server = TestServer::start(|_| Reply::new(404)).await;
    assert_eq!(registry(&server).resolve(&app(), &v1()).await.unwrap(), None);
    let error = registry(&server).manifest(&app(), &v1()).await.unwrap_err();
    assert_eq!(error.class(), Class::NotFound);
}

#[tokio::test]
async fn a_manifest_is_verified_against_the_digest_that_the_registry_tells() {
    let told = Digest::of(b"other");
    let server = TestServer::start(move |_| {
        Reply::new(200).header("Docker-Content-Digest", told.as_str()).body(manifest().bytes().clone())
    })
    .await;
    let error = registry(&server).manifest(&app(), &v1()).await.unwrap_err();
    assert!(matches!(error, EndpointError::Mismatch { .. }), "{error}");
}

#[tokio::test]
async fn a_manifest_is_sent_as_it_came_and_its_subject_may_be_listed() {
    let server = TestServer::start(|_| Reply::new(201).header("OCI-Subject", "sha256:x")).await;
    let text = r#"{ "schemaVersion":2, "layers":[], "subject": {"mediaType":"a/b","digest":"DIGEST","size":1} }"#;
    let text = text.replace("DIGEST", Digest::of(b"x").as_str());
    let manifest =
        Manifest::new(Some("application/vnd.oci.image.manifest.v1+json"), text.clone().into(), None).unwrap();
    assert!(registry(&server).put_manifest(&app(), &v1(), &manifest).await.unwrap().subject_listed);
    let sent = server.received().pop().unwrap();
    assert_eq!((sent.line(), sent.body), ("PUT /v2/team/app/manifests/v1".to_owned(), Bytes::from(text)));
    assert_eq!(sent.headers["content-type"], "application/vnd.oci.image.manifest.v1+json");

    let silent = TestServer::start(|_| Reply::new(201)).await;
    assert!(!registry(&silent).put_manifest(&app(), &v1(), &manifest).await.unwrap().subject_listed);
}
