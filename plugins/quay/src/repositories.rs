//! Repositories, which a push may or may not make, and then private.

use std::collections::HashSet;

use image_transfer_sdk::Error;
use image_transfer_sdk::Result;
use image_transfer_sdk::api::Kind;
use image_transfer_sdk::ensure::Place;
use image_transfer_sdk::http::Client;
use image_transfer_sdk::http::Request;
use serde_json::json;

use crate::api;
use crate::api::Advice;
use crate::api::USUAL;
use crate::config::Making;
use crate::organizations::Organizations;

/// The repositories of a Quay, by full name.
pub struct Repositories<C> {
    client: C,
    making: Making,
    /// Namespaces that are there.
    there: HashSet<String>,
}

impl<C: Client> Repositories<C> {
    pub(crate) fn new(client: C, making: Making) -> Self {
        Self { client, making, there: HashSet::new() }
    }

    /// Sees to it that the namespace is there.
    fn namespace(&mut self, name: &str) -> Result<()> {
        if self.there.contains(name) {
            return Ok(());
        }
        let organizations = Organizations::new(&self.client, &self.making.api);
        if !organizations.has(name)? {
            if !self.making.organizations {
                return Err(Error::NotFound(format!(
                    "Quay has no organization or user `{name}`: make it, or let it be made by `create-organizations: true`, or choose \
                     another by `to.namespace`"
                )));
            }
            let made = organizations.create(name, self.making.email.as_deref());
            // Someone else may have made it meanwhile.
            if made.is_err() && !organizations.has(name)? {
                return made;
            }
        }
        self.there.insert(name.to_owned());
        Ok(())
    }
}

impl<C: Client> Place for Repositories<C> {
    fn exists(&mut self, name: &str) -> Result<bool> {
        let (namespace, _) = split(name)?;
        let url = format!("{}/repository/{name}?includeTags=false&includeStats=false", self.making.api);
        let response = self.client.send(Request::get(url))?;
        let body = match api::read(&format!("the repository `{name}`"), &response, USUAL) {
            Ok(body) => body,
            Err(Error::NotFound(_)) => return Ok(false),
            Err(error) => return Err(error),
        };
        self.there.insert(namespace.to_owned());
        match body["state"].as_str() {
            Some(state @ ("READ_ONLY" | "MIRROR")) => Err(Error::Fatal(format!(
                "the repository `{name}` of Quay takes no pushes, for its state is {state}: set it to NORMAL in its settings, or choose \
                 another name"
            ))),
            _ => Ok(true),
        }
    }

    fn create(&mut self, name: &str, public: bool) -> Result<()> {
        let (namespace, short) = split(name)?;
        self.namespace(namespace)?;
        let visibility = if public { "public" } else { "private" };
        let body = json!({
            "namespace": namespace, "repository": short, "visibility": visibility, "description": "", "repo_kind": "image",
        });
        let response = self.client.send(Request::post(format!("{}/repository", self.making.api)).json(&body)?)?;
        let advice: Advice<'_> = &|kind| match kind {
            Kind::Rights => Some(format!(
                "give the token the scope `repo:create`, and its user the right to create repositories in `{namespace}`"
            )),
            Kind::Other => Some(format!(
                "check the name, and that the plan or the settings of the Quay allow one more {visibility} repository"
            )),
            _ if response.status() == 402 => Some("the plan allows no more private repositories".to_owned()),
            _ => None,
        };
        api::read(&format!("to create the repository `{name}`"), &response, advice).map(drop)
    }
}

/// Namespace and the rest.
fn split(repository: &str) -> Result<(&str, &str)> {
    repository.split_once('/').ok_or_else(|| {
        Error::Fatal(format!("`{repository}` has no namespace, which Quay needs: set `to.namespace` of the transfer"))
    })
}

#[cfg(test)]
mod tests {
    use image_transfer_sdk::http::Response;

    use super::*;

    #[test]
    fn a_repository_that_takes_no_pushes_is_an_error() {
        let exists = |state: &'static str| {
            let client = move |_: Request| Ok(Response::new(200, &[], format!(r#"{{"state": "{state}"}}"#)));
            let making = Making { api: String::new(), organizations: false, email: None };
            Repositories::new(client, making).exists("ns/app")
        };
        assert_eq!(exists("NORMAL"), Ok(true));
        assert!(matches!(exists("MIRROR"), Err(Error::Fatal(text)) if text.contains("MIRROR")));
    }

    #[test]
    fn a_namespace_may_be_a_user() {
        let client = |request: Request| {
            let status = if request.url().ends_with("/organization/me") { 404 } else { 200 };
            Ok(Response::new(status, &[], "{}"))
        };
        let making = Making { api: String::new(), organizations: false, email: None };
        assert_eq!(Repositories::new(client, making).create("me/app", false), Ok(()));
    }
}
