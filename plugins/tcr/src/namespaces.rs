//! Namespaces of TCR, which must be there before a push.

use image_transfer_sdk::Error;
use image_transfer_sdk::Result;
use image_transfer_sdk::ensure::Place;
use image_transfer_sdk::http::Client;
use image_transfer_sdk::tencent::Action;
use serde_json::json;

use crate::instance::Finder;
use crate::listing::namespaces;

const CREATE: Action = Action::new("CreateNamespace", 20);

/// The namespaces of an instance.
#[derive(Debug)]
pub struct Namespaces<C> {
    finder: Finder,
    client: C,
}

impl<C: Client> Namespaces<C> {
    /// Those of the instance that is to be found.
    pub fn new(finder: Finder, client: C) -> Self {
        Self { finder, client }
    }
}

impl<C: Client> Place for Namespaces<C> {
    fn exists(&mut self, name: &str) -> Result<bool> {
        let instance = self.finder.find(&self.client)?;
        Ok(namespaces(instance, Some(name), &self.client)?.iter().any(|other| other.name == name))
    }

    fn create(&mut self, name: &str, public: bool) -> Result<()> {
        let instance = self.finder.find(&self.client)?;
        let parameters = json!({"RegistryId": instance.id, "NamespaceName": name, "IsPublic": public});
        match instance.api.call(&self.client, CREATE, &parameters) {
            Ok(_) => Ok(()),
            Err(error) => Err(about(name, error)),
        }
    }
}

/// The error with the namespace in it: what is read is the image's line of a report.
fn about(name: &str, error: Error) -> Error {
    let told = |text: String| format!("namespace `{name}` cannot be made: {text}");
    match error {
        Error::Unauthorized(text) => Error::Unauthorized(told(text)),
        Error::NotFound(text) => Error::NotFound(told(text)),
        Error::Fatal(text) => Error::Fatal(told(text)),
        other => other,
    }
}

/// The namespace that a repository lies in.
pub(crate) fn namespace_of(repository: &str) -> Result<&str> {
    repository.split_once('/').map(|(namespace, _)| namespace).ok_or_else(|| {
        Error::Fatal(format!("`{repository}` has no namespace, which TCR needs: set `to.namespace` of the transfer"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_without_namespace_is_refused() {
        assert_eq!(namespace_of("team/web/app"), Ok("team"));
        assert!(matches!(namespace_of("app"), Err(Error::Fatal(text)) if text.contains("`to.namespace`")));
    }
}
