mod listings;
mod manifests;
mod pulls;
mod referrers;
mod uploads;

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::TryStreamExt as _;
use futures_util::stream;
use serde_json::json;

use crate::endpoint::Login;
use crate::endpoint::Mount;
use crate::endpoint::Session;
use crate::endpoint::docker_config::Places;
use crate::http::BackOff;
use crate::http::ByteStream;
use crate::http::Class;
use crate::http::testserver::Received;
use crate::http::testserver::Reply;
use crate::http::testserver::TestServer;
use crate::limit::Limiter;
use crate::limit::Rates;
use crate::oci::Descriptor;
use crate::oci::Digest;
use crate::oci::Manifest;
use crate::oci::Repository;
use crate::oci::TagOrDigest;

use super::*;

const CONTENT: &[u8] = b"0123456789";

fn registry(server: &TestServer) -> Arc<Registry> {
    let settings = Settings { plain_http: true, login: Login::Anonymous, ..Settings::default() };
    let gateway = Gateway::new(Arc::new(Limiter::new(&Rates::default())));
    let back_off = BackOff { base: Duration::from_millis(1), ..BackOff::default() };
    let client = Client::build(gateway, &server.host(), &settings, Places::default(), back_off);
    Arc::new(Registry { client, name: RegistryName::Host(server.host()), chunks: Mutex::default() })
}

fn app() -> Repository {
    "team/app".parse().unwrap()
}

fn v1() -> TagOrDigest {
    TagOrDigest::Tag("v1".parse().unwrap())
}

fn blob(content: &[u8]) -> Descriptor {
    Descriptor::new("a/b", Digest::of(content), content.len() as u64)
}

fn bytes(content: &[u8]) -> ByteStream {
    let frames: Vec<_> = content.chunks(64 << 10).map(|frame| Ok(Bytes::copy_from_slice(frame))).collect();
    stream::iter(frames).boxed()
}

/// The requests so far without those that find out how the registry wants to be spoken to.
fn lines(server: &TestServer) -> Vec<String> {
    server.lines().into_iter().filter(|line| line != "GET /v2/").collect()
}
