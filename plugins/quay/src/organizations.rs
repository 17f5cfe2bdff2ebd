//! Namespaces: organizations, and users, who have one each.

use image_transfer_sdk::Error;
use image_transfer_sdk::Result;
use image_transfer_sdk::api::Kind;
use image_transfer_sdk::http::Client;
use image_transfer_sdk::http::Request;
use serde_json::json;

use crate::api;
use crate::api::Advice;
use crate::api::USUAL;

/// The namespaces of a Quay.
pub(crate) struct Organizations<'a> {
    client: &'a dyn Client,
    api: &'a str,
}

impl<'a> Organizations<'a> {
    pub(crate) fn new(client: &'a dyn Client, api: &'a str) -> Self {
        Self { client, api }
    }

    /// Whether there is an organization or a user of this name.
    pub(crate) fn has(&self, name: &str) -> Result<bool> {
        Ok(self.get("organization", name)? || self.get("users", name)?)
    }

    fn get(&self, list: &str, name: &str) -> Result<bool> {
        let response = self.client.send(Request::get(format!("{}/{list}/{name}", self.api)))?;
        match api::read(&format!("the namespace `{name}`"), &response, USUAL) {
            Ok(_) => Ok(true),
            Err(Error::NotFound(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Makes an organization; `{namespace}` in the address is its name.
    pub(crate) fn create(&self, name: &str, email: Option<&str>) -> Result<()> {
        let mut body = json!({"name": name});
        if let Some(email) = email {
            body["email"] = email.replace("{namespace}", name).into();
        }
        let response = self.client.send(Request::post(format!("{}/organization/", self.api)).json(&body)?)?;
        let advice: Advice<'_> = &|kind| {
            let text = "some Quays want an address for each organization: set `email`, with `{namespace}` in it, for no two may have \
                        the same";
            (kind == Kind::Other).then(|| text.to_owned())
        };
        api::read(&format!("to create the organization `{name}`"), &response, advice).map(drop)
    }
}
