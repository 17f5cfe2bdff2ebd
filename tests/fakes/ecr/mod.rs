//! Amazon ECR, private (`AmazonEC2ContainerRegistry_V20150921`) and public (`SpencerFrontendService`), at one address; a call's target says
//! which is meant.
//!
//! The shapes are those of botocore's models of both services. What catches clients, and so is kept:
//!
//! - Repositories are made one by one, by their whole names, before anything is pushed.
//! - An image has an entry in `ListImages` for each of its tags; without a tag it has one without.
//! - Archived images are not listed unless asked for.
//! - The token of a page is for the same question and no other. Pages may be smaller than asked for.
//! - The public service has no `ListImages`, its token is no list, and it is in `us-east-1` alone.

mod gateway;
mod images;
mod page;
mod refusal;
mod repositories;
mod signature;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::Mutex;

use serde_json::Value;

use self::repositories::Registry;
use self::repositories::Repository;
use crate::harness::api::Api;
use crate::harness::api::Faults;
use crate::harness::api::Reply;
use crate::harness::api::Server;

/// The customer's access key.
pub const KEY_ID: &str = "not-a-real-access-key-id";
/// And its secret.
pub const KEY_SECRET: &str = "not-a-real-secret-key";
/// The customer's account, which is also the identifier of both registries.
pub const ACCOUNT: &str = "123456789012";

/// A running ECR of one customer, without repositories, in `us-east-1` unless it is told.
///
/// Actions with faults: `DescribeRepositories`, `ListImages`, `DescribeImages`, `DescribeImageTags`, `DescribeRegistries`,
/// `GetAuthorizationToken`, `CreateRepository`. A name that both services have counts for both.
pub struct Ecr {
    api: Arc<Fake>,
    server: Server,
}

/// An image and the tags that lead to it.
#[derive(Clone, Debug, Default)]
pub struct Image {
    pub digest: String,
    pub size: u64,
    /// Seconds since 1970.
    pub pushed: f64,
    pub tags: Vec<String>,
    /// Kept where it cannot be pulled from.
    pub archived: bool,
}

/// Which of the two services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Private,
    Public,
}

struct Fake {
    state: Mutex<State>,
    faults: Faults,
}

struct State {
    keys: Vec<Key>,
    /// Tokens of pages: what they go on with, and where.
    pages: HashMap<String, (String, usize)>,
    region: String,
    private: Registry,
    public: Registry,
    /// The largest page.
    cap: usize,
    /// Password, and for how many seconds it is valid.
    credential: (String, i64),
    /// Operations that the key has no right to.
    forbidden: Vec<String>,
    limit: Option<usize>,
    /// Seconds that this clock is before the machine's.
    ahead: i64,
}

/// An access key.
struct Key {
    id: String,
    secret: String,
    token: Option<String>,
    expired: bool,
}

impl Ecr {
    pub fn start() -> Self {
        let key = Key { id: KEY_ID.to_owned(), secret: KEY_SECRET.to_owned(), token: None, expired: false };
        let state = State {
            keys: vec![key],
            pages: HashMap::new(),
            region: "us-east-1".to_owned(),
            private: Registry::new(&format!("{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com"), ""),
            public: Registry::new("public.ecr.aws", "a1b2c3d4"),
            cap: 1000,
            credential: ("not-a-real-token".to_owned(), 12 * 3600),
            forbidden: Vec::new(),
            limit: None,
            ahead: 0,
        };
        let api = Arc::new(Fake { state: Mutex::new(state), faults: Faults::default() });
        Self { server: Server::start(Arc::clone(&api) as Arc<dyn Api>), api }
    }

    /// `http://127.0.0.1:PORT`, of the API of both services.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// The API by itself, to be served in another way too.
    pub fn api(&self) -> Arc<dyn Api> {
        Arc::clone(&self.api) as Arc<dyn Api>
    }

    pub fn faults(&self) -> &Faults {
        &self.api.faults
    }

    /// The region of the private service, which a signature is for.
    pub fn region(&self, region: &str) {
        self.state(|it| region.clone_into(&mut it.region));
    }

    /// A temporary key, of STS, which is nothing without its token.
    pub fn temporary_key(&self, id: &str, secret: &str, token: &str) {
        let [id, secret, token] = [id, secret, token].map(str::to_owned);
        self.state(|it| it.keys.push(Key { id, secret, token: Some(token), expired: false }));
    }

    /// The token's time is over.
    pub fn expire(&self, token: &str) {
        self.state(|it| it.keys.iter_mut().find(|key| key.token.as_deref() == Some(token)).unwrap().expired = true);
    }

    /// From now on, the key has no right to `operation`.
    pub fn forbid(&self, operation: &str) {
        self.state(|it| it.forbidden.push(operation.to_owned()));
    }

    /// From now on, each operation can be called so often in a second.
    pub fn limit(&self, per_second: usize) {
        self.state(|it| it.limit = Some(per_second));
    }

    /// Sets this clock ahead of the machine's, or behind it.
    pub fn set_ahead(&self, seconds: i64) {
        self.state(|it| it.ahead = seconds);
    }

    /// The largest page, however large one is asked for.
    pub fn page_cap(&self, cap: usize) {
        self.state(|it| it.cap = cap);
    }

    /// The host of the registry. Between it and a repository's name is the public registry's alias, where there is one. The address that
    /// comes with a token of the private service is by https, unless the host is this machine.
    pub fn host(&self, kind: Kind, host: &str, alias: &str) {
        self.state(|it| {
            let registry = it.registry(kind);
            (registry.host, registry.alias) = (host.to_owned(), alias.to_owned());
        });
    }

    /// A repository and its images.
    pub fn repository(&self, kind: Kind, name: &str, images: &[Image]) {
        let repository = Repository { name: name.to_owned(), images: images.to_vec() };
        self.state(|it| it.registry(kind).repositories.push(repository));
    }

    /// How many repositories there may be; without a limit where nothing is said.
    pub fn quota(&self, kind: Kind, repositories: usize) {
        self.state(|it| it.registry(kind).quota = repositories);
    }

    /// The password of the user `AWS`, and for how many seconds it is valid.
    pub fn credential(&self, password: &str, seconds: i64) {
        self.state(|it| it.credential = (password.to_owned(), seconds));
    }

    /// Names of repositories.
    pub fn repositories(&self, kind: Kind) -> Vec<String> {
        self.state(|it| it.registry(kind).repositories.iter().map(|it| it.name.clone()).collect())
    }

    fn state<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.api.state.lock().unwrap())
    }
}

impl State {
    fn registry(&mut self, kind: Kind) -> &mut Registry {
        match kind {
            Kind::Private => &mut self.private,
            Kind::Public => &mut self.public,
        }
    }

    /// Where a service is that a signature is for.
    fn region(&self, service: &str) -> &str {
        if service == "ecr" { &self.region } else { "us-east-1" }
    }
}

/// Whether the host, which may have a port, is this machine.
fn is_loopback(host: &str) -> bool {
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// An answer of the JSON protocol, version 1.1.
fn json(status: u16, value: &Value) -> Reply {
    let headers = vec![("Content-Type".to_owned(), "application/x-amz-json-1.1".to_owned())];
    let reply = Reply { status, headers, body: value.to_string().into_bytes() };
    reply.with("x-amzn-RequestId", "4c467b38-3910-447d-87bc-ac049166f216")
}
