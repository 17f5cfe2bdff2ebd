//! Logins that the API vends, good for an hour.

use image_transfer_sdk::Credential;
use image_transfer_sdk::Error;
use image_transfer_sdk::Result;
use image_transfer_sdk::api::number;
use image_transfer_sdk::http::Client;
use serde_json::Value;

use crate::api::PROVIDER;
use crate::edition::Finder;

/// Logs in to the registry of an edition.
#[derive(Debug)]
pub struct Login<C> {
    finder: Finder,
    client: C,
}

impl<C: Client> Login<C> {
    /// To the edition that is to be found.
    pub fn new(finder: Finder, client: C) -> Self {
        Self { finder, client }
    }

    /// A fresh login.
    pub fn issue(&mut self) -> Result<Credential> {
        self.finder.find(&self.client)?.login(&self.client)
    }
}

/// A login from its parts. The API tells milliseconds.
pub(crate) fn read(action: &str, username: &str, password: &str, expires: &Value) -> Result<Credential> {
    if username.is_empty() || password.is_empty() {
        return Err(Error::Fatal(format!("{PROVIDER} answered {action} without a login in it")));
    }
    let expires_at = number(expires).map(|milliseconds| milliseconds / 1000);
    Ok(Credential { username: username.to_owned(), password: password.to_owned(), expires_at })
}
