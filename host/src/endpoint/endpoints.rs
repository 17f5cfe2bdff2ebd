//! Which settings serve which repository, and the endpoints that were opened so far.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use crate::endpoint::Endpoint;
use crate::endpoint::EndpointError;
use crate::endpoint::Kind;
use crate::endpoint::Settings;
use crate::endpoint::api_host;
use crate::endpoint::layout::Layout;
use crate::endpoint::registry::Registry;
use crate::http::Gateway;
use crate::http::Named;
use crate::limit::Direction;
use crate::oci::RegistryName;
use crate::oci::Repository;

/// All endpoints of a run, opened when first used, with one token cache each. Cheap to clone.
#[derive(Clone)]
pub struct Endpoints {
    shared: Arc<Shared>,
}

struct Shared {
    gateway: Gateway,
    entries: Vec<Entry>,
    /// By name and the settings that apply: a host that serves two namespaces under two logins has two endpoints.
    open: Mutex<HashMap<(RegistryName, Applies), Endpoint>>,
}

/// Which settings apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Applies {
    /// Those of this entry.
    Entry(usize),
    /// The default.
    Default,
    /// Those of a stranger.
    Stranger,
}

struct Entry {
    host: String,
    namespace: Option<String>,
    settings: Settings,
}

impl Endpoints {
    /// `settings`: by `host[:port]` or `host[:port]/namespace`; the longest match wins. Hosts without an entry get the default, and
    /// those that only a stranger named (a plugin from a file, see [`crate::http::Named`]) are asked without any login, at public
    /// addresses alone.
    #[must_use]
    pub fn new(gateway: Gateway, settings: Vec<(String, Settings)>) -> Self {
        let entries = settings.into_iter().map(|(key, settings)| Entry::new(&key, settings)).collect();
        Self { shared: Arc::new(Shared { gateway, entries, open: Mutex::default() }) }
    }

    /// The endpoint that serves `repository` of `registry`. Without a repository (for the catalog) only an entry of the whole
    /// host applies.
    pub fn open(&self, registry: &RegistryName, repository: Option<&Repository>) -> Result<Endpoint, EndpointError> {
        let applies = self.shared.applies(registry, repository);
        let mut open = self.shared.open.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (registry.clone(), applies);
        if let Some(endpoint) = open.get(&key) {
            return Ok(endpoint.clone());
        }
        let kind = match registry {
            RegistryName::Layout(root) => Kind::Layout(Layout::open(root)?),
            RegistryName::Host(host) => {
                let settings = self.shared.settings(applies);
                Kind::Registry(Arc::new(Registry::new(self.shared.gateway.clone(), host, &settings)))
            }
        };
        let endpoint = Endpoint { kind };
        open.insert(key, endpoint.clone());
        Ok(endpoint)
    }

    /// Waits for room for a blob from `source` to all of `targets`; what is given holds it.
    pub async fn slots<'a>(
        &self,
        source: &Endpoint,
        targets: impl IntoIterator<Item = &'a Endpoint>,
    ) -> Vec<crate::limit::Slot> {
        let way = |endpoint: &Endpoint, direction| match endpoint.name() {
            RegistryName::Host(host) => Some((api_host(host).to_owned(), direction)),
            RegistryName::Layout(_) => None,
        };
        let targets = targets.into_iter().filter_map(|target| way(target, Direction::Write));
        let ways: Vec<_> = way(source, Direction::Read).into_iter().chain(targets).collect();
        self.shared.gateway.limiter().slots(&ways).await
    }

    /// Which hosts the user named.
    #[must_use]
    pub fn named(&self) -> &Named {
        self.shared.gateway.named()
    }

    /// How long a host that serves nothing is waited for.
    #[must_use]
    pub fn patience(&self) -> Duration {
        self.shared.gateway.limiter().patience()
    }

    /// How long nothing will leave for `registry`; none if it may at once.
    #[must_use]
    pub fn paused(&self, registry: &RegistryName) -> Option<Duration> {
        match registry {
            RegistryName::Host(host) => self.shared.gateway.limiter().paused(api_host(host)),
            RegistryName::Layout(_) => None,
        }
    }

    /// Whether `registry` is so far away that a request is mostly on its way. Not before it has answered one.
    #[must_use]
    pub fn is_far(&self, registry: &RegistryName) -> bool {
        match registry {
            RegistryName::Host(host) => self.shared.gateway.limiter().is_far(api_host(host)),
            RegistryName::Layout(_) => false,
        }
    }

    /// Counts that a blob from or to `registry` is tried once more.
    pub fn retried(&self, registry: &RegistryName) {
        if let RegistryName::Host(host) = registry {
            self.shared.gateway.limiter().retried(api_host(host));
        }
    }
}

impl Shared {
    fn applies(&self, registry: &RegistryName, repository: Option<&Repository>) -> Applies {
        let RegistryName::Host(host) = registry else { return Applies::Default };
        let matching = self.entries.iter().enumerate().filter(|(_, entry)| entry.matches(host, repository));
        match matching.max_by_key(|(_, entry)| entry.namespace.as_ref().map_or(0, String::len)) {
            Some((at, _)) => Applies::Entry(at),
            None if self.gateway.named().has(host) => Applies::Default,
            None => Applies::Stranger,
        }
    }

    fn settings(&self, applies: Applies) -> Settings {
        match applies {
            Applies::Entry(at) => self.entries[at].settings.clone(),
            Applies::Default => Settings::default(),
            Applies::Stranger => Settings::of_a_stranger(),
        }
    }
}

impl Entry {
    fn new(key: &str, settings: Settings) -> Self {
        let (host, namespace) = match key.trim_end_matches('/').split_once('/') {
            Some((host, namespace)) => (host, Some(namespace.to_owned())),
            None => (key.trim_end_matches('/'), None),
        };
        // Through the parser, so that each alias of Docker Hub is the same host.
        let host = host.parse().map_or_else(|_| host.to_owned(), |name: RegistryName| name.to_string());
        Self { host, namespace, settings }
    }

    fn matches(&self, host: &str, repository: Option<&Repository>) -> bool {
        let within = |namespace: &String| {
            let rest = repository.and_then(|repository| repository.as_str().strip_prefix(namespace.as_str()));
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        self.host == host && self.namespace.as_ref().is_none_or(within)
    }
}

#[cfg(test)]
mod tests {
    use crate::endpoint::Login;
    use crate::http::Named;
    use crate::http::Patience;
    use crate::http::Reach;
    use crate::limit::Limiter;
    use crate::limit::Rates;

    use super::*;

    fn entry_of(keys: &[&str], registry: &str, repository: Option<&str>) -> Applies {
        let entries = keys.iter().map(|key| ((*key).to_owned(), Settings::default())).collect();
        let endpoints = Endpoints::new(Gateway::new(Arc::new(Limiter::new(&Rates::default()))), entries);
        let repository = repository.map(|repository| repository.parse().unwrap());
        endpoints.shared.applies(&registry.parse().unwrap(), repository.as_ref())
    }

    #[tokio::test]
    async fn the_longest_matching_entry_wins() {
        let keys = ["r.test", "r.test/team", "r.test/team/app", "r.test:5000"];
        let entry = |registry, repository| entry_of(&keys, registry, Some(repository));
        assert_eq!(entry("r.test", "other"), Applies::Entry(0));
        assert_eq!(entry("r.test", "teammate/app"), Applies::Entry(0));
        assert_eq!(entry("r.test", "team/tool"), Applies::Entry(1));
        assert_eq!(entry("r.test", "team/app"), Applies::Entry(2));
        assert_eq!(entry("r.test", "team/app/deep"), Applies::Entry(2));
        assert_eq!(entry("r.test:5000", "team/app"), Applies::Entry(3));
        assert_eq!(entry("other.test", "team/app"), Applies::Default);
        assert_eq!(entry_of(&keys, "r.test", None), Applies::Entry(0));
        assert_eq!(entry_of(&["r.test/team"], "r.test", None), Applies::Default);
    }

    #[tokio::test]
    async fn a_registry_that_nobody_named_gets_no_login_and_must_be_public() {
        let named = Named::new(["listed.example".to_owned()], |host| host == "mentioned.example");
        let gateway = Gateway::for_user(Arc::new(Limiter::new(&Rates::default())), named, Patience::default());
        let endpoints = Endpoints::new(gateway, vec![("listed.example".to_owned(), Settings::default())]);
        let applies = |host: &str| endpoints.shared.applies(&host.parse().unwrap(), None);
        assert_eq!(applies("listed.example"), Applies::Entry(0));
        assert_eq!(applies("mentioned.example"), Applies::Default);
        assert_eq!(applies("stranger.example"), Applies::Stranger);
        let Settings { login, profile, .. } = endpoints.shared.settings(Applies::Stranger);
        assert!(matches!(login, Login::Anonymous));
        assert_eq!(profile.reach, Reach::Public);
        // Its place is not taken by what a stranger opened before the user's own word came.
        let stranger: RegistryName = "stranger.example".parse().unwrap();
        endpoints.open(&stranger, None).unwrap();
        endpoints.shared.gateway.named().vouch("stranger.example");
        assert_eq!(applies("stranger.example"), Applies::Default);
        endpoints.open(&stranger, None).unwrap();
        assert_eq!(endpoints.shared.open.lock().unwrap().len(), 2);
    }

    #[tokio::test]
    async fn an_alias_of_docker_hub_is_docker_hub() {
        assert_eq!(entry_of(&["index.docker.io"], "docker.io", None), Applies::Entry(0));
    }

    #[tokio::test]
    async fn an_endpoint_is_opened_once_for_each_entry() {
        let dir = tempfile::tempdir().unwrap();
        let endpoints = Endpoints::new(Gateway::new(Arc::new(Limiter::new(&Rates::default()))), Vec::new());
        let name = RegistryName::Layout(dir.path().to_owned());
        for _ in 0..2 {
            assert_eq!(endpoints.open(&name, None).unwrap().name(), &name);
        }
        assert_eq!(endpoints.shared.open.lock().unwrap().len(), 1);
    }
}
