//! The `registry` import: listings through the host, with the host's credentials.

use wasmtime::component::Resource;

use crate::oci::RegistryName;
use crate::plugin::CallError;
use crate::plugin::Pages;
use crate::plugin::bindings::registry as wit_registry;
use crate::plugin::bindings::types;
use crate::plugin::state::State;

/// Bytes of a registry's name, and of a repository's.
const MAX_NAME: usize = 1024;

/// A listing that a guest holds.
#[expect(unreachable_pub, reason = "the generated bindings re-export it")]
pub struct Listing(Box<dyn Pages>);

impl wit_registry::Host for State {}

impl wit_registry::HostListing for State {
    async fn repositories(&mut self, registry: String) -> wasmtime::Result<Result<Resource<Listing>, types::Error>> {
        let opened = self.may_list(&registry, "").and_then(|()| self.registries.repositories(&registry));
        self.keep(opened)
    }

    async fn tags(
        &mut self,
        registry: String,
        repository: String,
    ) -> wasmtime::Result<Result<Resource<Listing>, types::Error>> {
        let opened = self.may_list(&registry, &repository).and_then(|()| self.registries.tags(&registry, &repository));
        self.keep(opened)
    }

    async fn next(
        &mut self,
        listing: Resource<Listing>,
    ) -> wasmtime::Result<Result<Option<Vec<String>>, types::Error>> {
        let page = self.table.get_mut(&listing)?.0.next().await;
        Ok(page.map_err(CallError::tell))
    }

    async fn drop(&mut self, listing: Resource<Listing>) -> wasmtime::Result<()> {
        self.table.delete(listing)?;
        Ok(())
    }
}

impl State {
    /// A listing is a request to a host, with the host's credentials: without this check it would be a way around the grants of
    /// `http`, to private addresses too.
    fn may_list(&self, registry: &str, repository: &str) -> Result<(), CallError> {
        if registry.len() > MAX_NAME || repository.len() > MAX_NAME {
            return Err(CallError::InvalidConfig(format!("name of more than {MAX_NAME} bytes")));
        }
        let name: RegistryName = registry.parse().map_err(|error| CallError::InvalidConfig(format!("{error}")))?;
        if self.grants.lists(&name) {
            return Ok(());
        }
        Err(CallError::Unauthorized(match name {
            RegistryName::Host(_) => format!(
                "{name} is not granted: name it in the plugin's options or in `plugins.{}.hosts` of the workflow",
                self.plugin
            ),
            RegistryName::Layout(_) => format!("{name} is not granted: name it in the plugin's options"),
        }))
    }

    fn keep(
        &mut self,
        opened: Result<Box<dyn Pages>, CallError>,
    ) -> wasmtime::Result<Result<Resource<Listing>, types::Error>> {
        Ok(match opened {
            Ok(pages) => Ok(self.table.push(Listing(pages))?),
            Err(error) => Err(error.tell()),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::Mutex;
    use std::time::Duration;

    use futures_util::FutureExt;
    use futures_util::future::BoxFuture;
    use serde_json::json;

    use super::*;
    use crate::http::Gateway;
    use crate::limit::Limiter;
    use crate::limit::Rates;
    use crate::plugin::Registries;
    use crate::plugin::bindings::registry::HostListing as _;
    use crate::plugin::grants::Grants;
    use crate::plugin::state::Parts;
    use crate::secret::Redactor;

    /// Notes what is asked of it; each listing is empty.
    #[derive(Default)]
    struct Asked(Mutex<Vec<String>>);

    struct Empty;

    impl Pages for Empty {
        fn next(&mut self) -> BoxFuture<'_, Result<Option<Vec<String>>, CallError>> {
            std::future::ready(Ok(None)).boxed()
        }
    }

    impl Registries for Asked {
        fn repositories(&self, registry: &str) -> Result<Box<dyn Pages>, CallError> {
            self.0.lock().unwrap().push(registry.to_owned());
            Ok(Box::new(Empty))
        }

        fn tags(&self, registry: &str, repository: &str) -> Result<Box<dyn Pages>, CallError> {
            self.0.lock().unwrap().push(format!("{registry}/{repository}"));
            Ok(Box::new(Empty))
        }
    }

    fn state(registries: &Arc<Asked>, grants: Grants) -> State {
        State::new(Parts {
            plugin: "mine".to_owned(),
            gateway: Gateway::new(Arc::new(Limiter::new(&Rates::default()))),
            registries: registries.clone(),
            transports: Arc::default(),
            grants,
            redactor: Redactor::default(),
            trial: None,
            cpu: Duration::from_secs(1),
            memory: 1 << 20,
        })
    }

    #[tokio::test]
    async fn a_registry_that_nobody_named_is_not_asked() {
        let asked = Arc::new(Asked::default());
        let options = json!({"registry": "a.io", "into": "oci:out"});
        let mut state = state(&asked, Grants::named(vec!["b.io".to_owned()]).with([], &options));
        for registry in ["evil.example", "169.254.169.254", "10.0.0.1:8080", "oci:/etc", "oci:out/../.."] {
            let error = state.repositories(registry.to_owned()).await.unwrap().err().unwrap();
            assert!(matches!(error, types::Error::Unauthorized(_)), "{registry}: {error:?}");
            let error = state.tags(registry.to_owned(), "n/app".to_owned()).await.unwrap().err().unwrap();
            assert!(matches!(error, types::Error::Unauthorized(_)), "{registry}: {error:?}");
        }
        let bad = state.repositories("not a registry".to_owned()).await.unwrap().err().unwrap();
        assert!(matches!(bad, types::Error::InvalidConfig(_)), "{bad:?}");
        for registry in ["a.io", "b.io", "oci:out"] {
            assert!(state.tags(registry.to_owned(), "n/app".to_owned()).await.unwrap().is_ok(), "{registry}");
        }
        assert_eq!(*asked.0.lock().unwrap(), ["a.io/n/app", "b.io/n/app", "oci:out/n/app"]);
    }

    #[tokio::test]
    async fn a_guest_cannot_hold_listings_without_number() {
        let mut state = state(&Arc::default(), Grants::embedded(vec![], vec![]));
        let mut held = 0;
        while state.repositories("a.io".to_owned()).await.is_ok() {
            held += 1;
        }
        assert_eq!(held, 1024);
    }
}
