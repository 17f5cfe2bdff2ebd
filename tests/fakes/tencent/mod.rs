//! Tencent Cloud's API `tcr`, version 2019-09-24: one endpoint for CCR, the personal edition, and TCR, the enterprise edition.
//!
//! Shapes and dates are those of the documentation's samples (cloud.tencent.com/document/api/1141), and errors have the codes that the
//! vendor's SDKs list for each action. What catches clients, and so is kept:
//!
//! - Every answer has status 200, errors too.
//! - `Offset` counts rows in CCR and among instances, and pages from 1 within an instance, where page 0 is page 1.
//! - A filter by name finds every name that it is a part of.
//! - An instance is there in its own region alone; only `DescribeInstances` with `AllRegion` finds it from elsewhere.
//! - Namespaces of CCR are unique among all customers.
//!
//! Where the documentation is silent, the fake is strict: it refuses a `Limit` above 100 everywhere, and parameters that it does not know.

mod check;
mod enterprise;
mod gateway;
mod personal;
mod signature;

use std::sync::Mutex;
use std::time::Duration;

use crate::harness::api::Faults;
use enterprise::Instance;
use personal::Personal;

/// The API of one customer, whose key is [`SECRET_ID`] and [`SECRET_KEY`]. Serve it with [`Server::start`].
///
/// Actions with faults are those of the API, by their own names.
///
/// [`Server::start`]: crate::harness::api::Server::start
pub struct Tencent {
    pub faults: Faults,
    state: Mutex<State>,
}

/// Names the key.
pub const SECRET_ID: &str = "not-a-real-secret-id";

/// Signs.
pub const SECRET_KEY: &str = "not-a-real-secret-key";

/// A tag of a repository.
#[derive(Clone, Debug, Default)]
pub struct Tag {
    pub name: String,
    pub digest: String,
    pub size: u64,
    /// By RFC 3339, in UTC, such as `2019-10-24T06:20:51Z`. CCR tells it as Beijing's time and without a fraction. May be
    /// empty.
    pub pushed: String,
}

/// What `Offset` of `DescribeNamespaces` is. Clients disagree, and the documentation shows 0 for the first page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Paging {
    /// A page, and the first is 1. Page 0 is the first as well.
    #[default]
    FromOne,
    /// A page, and the first is 0.
    FromZero,
    /// A row.
    Rows,
}

#[derive(Default)]
struct State {
    personal: Personal,
    instances: Vec<Instance>,
    namespace_paging: Paging,
    /// Actions, with the code that all their calls get.
    refused: Vec<(String, String)>,
    /// Names that no namespace gets, with the code.
    refused_names: Vec<(String, String)>,
    conflict: Option<String>,
    /// What `X-TC-Token` has to be.
    token: Option<String>,
    /// Seconds that the clock here is ahead of this machine's.
    ahead: i64,
    limited: bool,
    requests: u64,
    issued: Vec<(String, String)>,
}

impl Tencent {
    /// A customer with nothing but an empty CCR.
    pub fn new() -> Self {
        Self { faults: Faults::default(), state: Mutex::default() }
    }

    /// The host of CCR's registry, as `Server` tells it.
    pub fn ccr_server(&self, host: &str) {
        host.clone_into(&mut self.state.lock().unwrap().personal.server);
    }

    /// From now on, the customer has not opened CCR: `ResourceNotFound.ErrNoUser`.
    pub fn ccr_closed(&self) {
        self.state.lock().unwrap().personal.closed = true;
    }

    /// A namespace of CCR.
    pub fn ccr_namespace(&self, name: &str) {
        self.state.lock().unwrap().personal.namespaces.push(name.to_owned());
    }

    /// A namespace of CCR that another customer has.
    pub fn ccr_namespace_of_others(&self, name: &str) {
        self.state.lock().unwrap().personal.others.push(name.to_owned());
    }

    /// A repository of CCR, such as `team/app`, and its namespace where it is not there.
    pub fn ccr_repository(&self, name: &str, public: bool, tags: &[Tag]) {
        self.state.lock().unwrap().personal.add(name, public, tags);
    }

    /// How many namespaces and repositories CCR allows; 10 and 1000 where nothing is said.
    pub fn ccr_quota(&self, namespaces: usize, repositories: usize) {
        self.state.lock().unwrap().personal.quota = (namespaces, repositories);
    }

    /// The namespaces of CCR.
    pub fn ccr_namespaces(&self) -> Vec<String> {
        self.state.lock().unwrap().personal.namespaces.clone()
    }

    /// The repositories of CCR, and whether each is public.
    pub fn ccr_repositories(&self) -> Vec<(String, bool)> {
        self.state.lock().unwrap().personal.repositories()
    }

    /// An instance of TCR that runs, such as `tcr-xxxx` by the name `team`. `domain` is the host of its registry.
    pub fn instance(&self, id: &str, name: &str, domain: &str, region: &str) {
        self.state.lock().unwrap().instances.push(Instance::new(id, name, domain, region));
    }

    /// Sets the instance's status, such as `Isolate`. Unless it is `Running`, there is nothing to be had from it.
    pub fn status(&self, instance: &str, status: &str) {
        self.with(instance, |it| status.clone_into(&mut it.status));
    }

    /// What the instance's temporary tokens are: user, token, and how long they are valid.
    pub fn credential(&self, instance: &str, user: &str, token: &str, valid: Duration) {
        self.with(instance, |it| it.credential = (user.to_owned(), token.to_owned(), valid));
    }

    /// How many namespaces the instance allows; without a limit where nothing is said.
    pub fn quota(&self, instance: &str, namespaces: usize) {
        self.with(instance, |it| it.quota = namespaces);
    }

    /// A namespace of an instance.
    pub fn namespace(&self, instance: &str, name: &str, public: bool) {
        self.with(instance, |it| it.namespaces.push((name.to_owned(), public)));
    }

    /// A repository of an instance, such as `team/app`, and its namespace, private, where it is not there.
    pub fn repository(&self, instance: &str, name: &str, tags: &[Tag]) {
        self.with(instance, |it| it.add(name, tags));
    }

    /// The instance's namespaces, and whether each is public.
    pub fn namespaces(&self, instance: &str) -> Vec<(String, bool)> {
        self.with(instance, |it| it.namespaces.clone())
    }

    /// The instance's repositories, with their namespaces.
    pub fn repositories(&self, instance: &str) -> Vec<String> {
        self.with(instance, |it| it.repositories())
    }

    /// The tokens that were issued, each by its instance and its type, `temp` or `longterm`.
    pub fn issued(&self) -> Vec<(String, String)> {
        self.state.lock().unwrap().issued.clone()
    }

    /// From now on, this is what `Offset` of `DescribeNamespaces` is.
    pub fn page_namespaces(&self, paging: Paging) {
        self.state.lock().unwrap().namespace_paging = paging;
    }

    /// From now on, each call of `action` gets this error, such as `AuthFailure.UnauthorizedOperation` or
    /// `UnauthorizedOperation.ErrorTcrUnauthorized`.
    pub fn refuse(&self, action: &str, code: &str) {
        self.state.lock().unwrap().refused.push((action.to_owned(), code.to_owned()));
    }

    /// From now on, a namespace of this name cannot be created, in either edition, for this reason, such as
    /// `InvalidParameter.ErrNamespaceReserved` or `FailedOperation.ErrorTcrUnauthorized`.
    pub fn refuse_name(&self, name: &str, code: &str) {
        self.state.lock().unwrap().refused_names.push((name.to_owned(), code.to_owned()));
    }

    /// From now on, what is already in an instance is told by this code, in place of `FailedOperation.ErrorTcrResourceConflict`.
    /// The SDKs list four, and no documentation says which one comes when.
    pub fn conflicts_as(&self, code: &str) {
        self.state.lock().unwrap().conflict = Some(code.to_owned());
    }

    /// From now on, the key is a temporary one, and this is its token.
    pub fn temporary(&self, token: &str) {
        self.state.lock().unwrap().token = Some(token.to_owned());
    }

    /// From now on, the clock here is ahead by this many seconds, or behind.
    pub fn ahead(&self, seconds: i64) {
        self.state.lock().unwrap().ahead = seconds;
    }

    /// From now on, actions have their documented limits of calls in a second.
    pub fn limited(&self) {
        self.state.lock().unwrap().limited = true;
    }

    #[track_caller]
    fn with<T>(&self, instance: &str, change: impl FnOnce(&mut Instance) -> T) -> T {
        let mut state = self.state.lock().unwrap();
        change(state.instances.iter_mut().find(|it| it.id == instance).unwrap())
    }
}
