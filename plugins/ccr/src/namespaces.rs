//! Namespaces of CCR, which must be there before a push.

use image_transfer_sdk::Error;
use image_transfer_sdk::Result;
use image_transfer_sdk::ensure::Place;
use image_transfer_sdk::http::Client;
use image_transfer_sdk::tencent::Action;
use image_transfer_sdk::tencent::Api;
use serde_json::json;

use crate::listing::namespaces;

const CREATE: Action = Action::new("CreateNamespacePersonal", 20);

/// The namespaces of an account.
#[derive(Debug)]
pub struct Namespaces<C> {
    api: Api,
    client: C,
}

impl<C: Client> Namespaces<C> {
    /// Those that this key sees.
    pub fn new(api: Api, client: C) -> Self {
        Self { api, client }
    }
}

impl<C: Client> Place for Namespaces<C> {
    fn exists(&mut self, name: &str) -> Result<bool> {
        Ok(namespaces(&self.api, name, &self.client)?.iter().any(|other| other == name))
    }

    fn create(&mut self, name: &str, _public: bool) -> Result<()> {
        match self.api.call(&self.client, CREATE, &json!({"Namespace": name})) {
            Err(Error::Fatal(reason)) if reason.contains("ErrNamespaceExist") => Err(Error::Unauthorized(format!(
                "the CCR namespace `{name}` belongs to another account, for names are unique over all of them: choose another by \
                 `to.namespace` or a mapper"
            ))),
            other => other.map(drop),
        }
    }
}

/// The namespace that a repository lies in.
pub(crate) fn namespace_of(repository: &str) -> Result<&str> {
    repository.split_once('/').map(|(namespace, _)| namespace).ok_or_else(|| {
        Error::Fatal(format!("`{repository}` has no namespace, which CCR needs: set `to.namespace` of the transfer"))
    })
}
