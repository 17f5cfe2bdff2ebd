//! Published and SDK-derived signatures, each with its source in `vectors.json`.

use std::time::Duration;

use serde::Deserialize;

use crate::sign::Key;
use crate::sign::Parts;
use crate::sign::acs3;
use crate::sign::sigv4;
use crate::sign::tc3;

#[derive(Deserialize)]
struct Vector {
    scheme: String,
    name: String,
    id: String,
    secret: String,
    method: String,
    path: String,
    query: Vec<(String, String)>,
    headers: Vec<(String, String)>,
    body: String,
    canonical: String,
    authorization: String,
    #[serde(default)]
    timestamp: u64,
    #[serde(default)]
    service: String,
    #[serde(default)]
    region: String,
    #[serde(default)]
    date: String,
}

#[test]
fn every_vector_is_reproduced() {
    let vectors: Vec<Vector> = serde_json::from_str(include_str!("vectors.json")).expect("vectors");
    let mut counts = std::collections::BTreeMap::<String, usize>::new();
    for vector in vectors {
        let key = Key { id: vector.id, secret: vector.secret, token: None };
        let parts = Parts {
            method: &vector.method,
            path: &vector.path,
            query: &vector.query,
            headers: &vector.headers,
            body: vector.body.as_bytes(),
        };
        assert_eq!(parts.canonical().0, vector.canonical, "{}", vector.name);
        let authorization = match vector.scheme.as_str() {
            "TC3-HMAC-SHA256" => {
                tc3::authorization(&key, &vector.service, Duration::from_secs(vector.timestamp), &parts)
            }
            "ACS3-HMAC-SHA256" => acs3::authorization(&key, &parts),
            "AWS4-HMAC-SHA256" => sigv4::authorization(&key, &vector.region, &vector.service, &vector.date, &parts),
            other => panic!("{other} is not signed here"),
        };
        assert_eq!(authorization, vector.authorization, "{}", vector.name);
        *counts.entry(vector.scheme).or_default() += 1;
    }
    let counts: Vec<_> = counts.into_iter().collect();
    let expected = [("ACS3-HMAC-SHA256", 4), ("AWS4-HMAC-SHA256", 11), ("TC3-HMAC-SHA256", 7)];
    assert_eq!(counts, expected.map(|(scheme, count)| (scheme.to_owned(), count)));
}

#[test]
fn a_key_does_not_print_its_secret() {
    let key =
        Key { id: "id".to_owned(), secret: "not-a-real-secret".to_owned(), token: Some("not-a-real-token".to_owned()) };
    assert_eq!(format!("{key:?}"), r#"Key { id: "id", .. }"#);
}
