//! Aliyun ACR: the enterprise edition (`2018-12-01`, RPC) and the personal one (`2016-06-07`, ROA), at one address as in each region.
//!
//! The shapes are those of the documentation and of the types of Aliyun's SDKs; [`signature`] verifies ACS3-HMAC-SHA256, which is what
//! those SDKs send for both editions. What catches clients, and so is kept:
//!
//! - Most totals of the enterprise edition are texts. A digest there is bare hexadecimal.
//! - Names in filters are parts of names.
//! - The personal edition takes a page that is too large for it, and says how large a page it gave.
//! - The gateway's errors begin in capitals, in both editions. The service's own begin in lowercase in the personal one, and in the
//!   enterprise one may come with status 200.
//!
//! Which code says that something exists already is not documented: the ones here are this fake's own. So are the ones for a page
//! that is too large and for a token of a page that is not one.

mod challenge;
mod enterprise;
mod gateway;
mod page;
mod personal;
mod signature;
mod store;

use std::collections::HashMap;
use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

pub use challenge::challenge;

use self::enterprise::Instance;
use self::store::Store;
use crate::harness::api::Api;
use crate::harness::api::Faults;
use crate::harness::api::Server;

/// The customer's access key.
pub const KEY_ID: &str = "not-a-real-access-key-id";
/// And its secret.
pub const KEY_SECRET: &str = "not-a-real-secret-key";
/// In place of an instance's identifier: the personal edition.
pub const PERSONAL: &str = "personal";

/// A running ACR of one customer, without instances, and without namespaces in the personal edition.
///
/// Actions with faults: the enterprise edition's `ListInstance`, `ListInstanceEndpoint`, `ListNamespace`, `ListRepository`,
/// `ListRepoTag`, `GetNamespace`, `GetRepository`, `GetAuthorizationToken`, `CreateNamespace`, `CreateRepository`; the personal edition's
/// `GetNamespaceList`, `GetNamespace`, `CreateNamespace`, `UpdateNamespace`, `GetRepoList`, `GetRepoListByNamespace`, `GetRepo`,
/// `GetRepoTags`, `CreateRepo`, `GetAuthorizationToken`. A name that is in both counts for both.
pub struct Acr {
    api: Arc<Fake>,
    server: Server,
}

/// A tag and what it leads to.
#[derive(Clone, Debug)]
pub struct Tag {
    pub name: String,
    /// With its `sha256:`.
    pub digest: String,
    pub size: u64,
    /// Milliseconds since 1970.
    pub pushed: i64,
}

struct Fake {
    state: Mutex<State>,
    faults: Faults,
}

struct State {
    keys: Vec<Key>,
    nonces: HashSet<String>,
    /// Tokens of pages: what they go on with, and where.
    pages: HashMap<String, (String, usize)>,
    instances: Vec<Instance>,
    personal: Store,
    /// Where images of the personal edition are.
    host: String,
    /// How large a page of the personal edition can be.
    cap: usize,
    opened: bool,
    /// Actions that the key has no right to, with the code that says so.
    forbidden: HashMap<String, String>,
    limit: Option<usize>,
    throttled: u16,
    soft: bool,
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

impl Acr {
    pub fn start() -> Self {
        let key = Key { id: KEY_ID.to_owned(), secret: KEY_SECRET.to_owned(), token: None, expired: false };
        let state = State {
            keys: vec![key],
            nonces: HashSet::new(),
            pages: HashMap::new(),
            instances: Vec::new(),
            personal: Store::default(),
            host: "registry.cn-hangzhou.aliyuncs.com".to_owned(),
            cap: 30,
            opened: true,
            forbidden: HashMap::new(),
            limit: None,
            throttled: 400,
            soft: false,
            ahead: 0,
        };
        let api = Arc::new(Fake { state: Mutex::new(state), faults: Faults::default() });
        Self { server: Server::start(Arc::clone(&api) as Arc<dyn Api>), api }
    }

    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// `http://127.0.0.1:PORT`, of the API of both editions.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// The API itself, to be served by another server too.
    pub fn api(&self) -> Arc<dyn Api> {
        Arc::clone(&self.api) as Arc<dyn Api>
    }

    pub fn faults(&self) -> &Faults {
        &self.api.faults
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

    /// From now on, the key has no right to `action`. `code` says so: `NoPermission` or `Forbidden.RAM`.
    pub fn forbid(&self, action: &str, code: &str) {
        self.state(|it| it.forbidden.insert(action.to_owned(), code.to_owned()));
    }

    /// From now on, each action can be called so often in a second.
    pub fn limit(&self, per_second: usize) {
        self.state(|it| it.limit = Some(per_second));
    }

    /// The status of `Throttling.User`, 400 unless it is said here to be 429.
    pub fn throttle_with(&self, status: u16) {
        self.state(|it| it.throttled = status);
    }

    /// From now on, errors of the enterprise edition's service come with status 200 and `IsSuccess: false`.
    pub fn soft_errors(&self) {
        self.state(|it| it.soft = true);
    }

    /// Sets this clock ahead of the machine's, or behind it.
    pub fn set_ahead(&self, seconds: i64) {
        self.state(|it| it.ahead = seconds);
    }

    /// An instance of the enterprise edition that runs, such as `cri-xxxx` by the name `team`. `host` is the one of its registry.
    pub fn instance(&self, id: &str, name: &str, region: &str, host: &str) {
        self.state(|it| it.instances.push(Instance::new(id, name, region, host)));
    }

    /// Sets an instance's status, such as `STOPPED`.
    pub fn status(&self, id: &str, status: &str) {
        self.with_instance(id, |it| status.clone_into(&mut it.status));
    }

    /// The instance's registry is by this name too, which the customer chose.
    pub fn custom_domain(&self, id: &str, host: &str) {
        self.with_instance(id, |it| it.domains.push(host.to_owned()));
    }

    /// The instance's registry is not open to the Internet.
    pub fn close(&self, id: &str) {
        self.with_instance(id, |it| it.open = false);
    }

    /// The host of the personal edition's registry.
    pub fn personal_host(&self, host: &str) {
        self.state(|it| host.clone_into(&mut it.host));
    }

    /// How large a page of the personal edition can be; 30 unless it is said here.
    pub fn page_cap(&self, cap: usize) {
        self.state(|it| it.cap = cap);
    }

    /// The customer never opened the personal edition: `USER_NOT_EXIST`.
    pub fn never_opened(&self) {
        self.state(|it| it.opened = false);
    }

    /// A namespace of an instance, or of [`PERSONAL`]. Whether a push makes repositories in it, and whether those are public.
    pub fn namespace(&self, place: &str, name: &str, auto_create: bool, public: bool) {
        self.store(place, |it| it.add_namespace(name, auto_create, public));
    }

    /// A private repository of an instance, or of [`PERSONAL`]; its namespace comes to be with it.
    pub fn repository(&self, place: &str, namespace: &str, name: &str, tags: &[Tag]) {
        self.store(place, |it| it.add_repository(namespace, name, tags));
    }

    /// How many namespaces an instance or [`PERSONAL`] allows; without a limit where nothing is said.
    pub fn quota(&self, place: &str, namespaces: usize) {
        self.store(place, |it| it.quota = namespaces);
    }

    /// What the tokens of an instance or of [`PERSONAL`] are: user, token, and how long they are valid.
    pub fn credential(&self, place: &str, user: &str, token: &str, valid: Duration) {
        self.store(place, |it| it.credential = (user.to_owned(), token.to_owned(), valid));
    }

    /// Names of namespaces, whether a push makes repositories there, and whether those are public.
    pub fn namespaces(&self, place: &str) -> Vec<(String, bool, bool)> {
        self.store(place, |it| it.namespaces.iter().map(|it| (it.name.clone(), it.auto_create, it.public)).collect())
    }

    /// Repositories by their whole names, and whether each is public.
    pub fn repositories(&self, place: &str) -> Vec<(String, bool)> {
        let name = |(namespace, it): (&store::Namespace, &store::Repository)| {
            (format!("{}/{}", namespace.name, it.name), it.public)
        };
        self.store(place, |it| it.repositories().map(name).collect())
    }

    fn state<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.api.state.lock().unwrap())
    }

    fn with_instance(&self, id: &str, change: impl FnOnce(&mut Instance)) {
        self.state(|it| change(it.instances.iter_mut().find(|it| it.id == id).unwrap()));
    }

    fn store<T>(&self, place: &str, change: impl FnOnce(&mut Store) -> T) -> T {
        self.state(|it| {
            let instance = it.instances.iter_mut().find(|it| it.id == place);
            change(if place == PERSONAL { &mut it.personal } else { &mut instance.unwrap().store })
        })
    }
}
