//! Logins that the API vends, good for an hour.

use image_transfer_sdk::Credential;
use image_transfer_sdk::Error;
use image_transfer_sdk::Result;
use image_transfer_sdk::api::number;
use image_transfer_sdk::http::Client;
use image_transfer_sdk::tencent::Action;
use image_transfer_sdk::tencent::text;
use serde_json::json;

use crate::instance::Finder;

const TOKEN: Action = Action::new("CreateInstanceToken", 100);

/// Logs in to an instance.
#[derive(Debug)]
pub struct Login<C> {
    finder: Finder,
    client: C,
}

impl<C: Client> Login<C> {
    /// To the instance that is to be found.
    pub fn new(finder: Finder, client: C) -> Self {
        Self { finder, client }
    }

    /// A fresh login.
    pub fn issue(&mut self) -> Result<Credential> {
        let instance = self.finder.find(&self.client)?;
        let parameters = json!({"RegistryId": instance.id, "TokenType": "temp"});
        let body = instance.api.call(&self.client, TOKEN, &parameters)?;
        let (username, password) = (text(&body, "Username"), text(&body, "Token"));
        if username.is_empty() || password.is_empty() {
            return Err(Error::Fatal("Tencent Cloud answered CreateInstanceToken without a login in it".to_owned()));
        }
        Ok(Credential {
            username: username.to_owned(),
            password: password.to_owned(),
            // The API tells milliseconds.
            expires_at: number(&body["ExpTime"]).map(|milliseconds| milliseconds / 1000),
        })
    }
}
