//! Logins that the API vends, good for twelve hours.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use image_transfer_sdk::Credential;
use image_transfer_sdk::Error;
use image_transfer_sdk::Result;
use image_transfer_sdk::http::Client;
use serde_json::Value;
use serde_json::json;

use crate::api::Action;
use crate::api::Api;
use crate::api::Edition;
use crate::api::seconds;
use crate::api::text;

pub(crate) const TOKEN: Action = Action::new("GetAuthorizationToken", 20);

/// Logs in to the registries of an account and region, or to the public one.
#[derive(Debug)]
pub struct Login<C> {
    api: Api,
    client: C,
}

impl<C: Client> Login<C> {
    /// With this key.
    pub fn new(api: Api, client: C) -> Self {
        Self { api, client }
    }

    /// A fresh login.
    pub fn issue(&mut self) -> Result<Credential> {
        let body = self.api.call(&self.client, TOKEN, &json!({}))?;
        let data = match self.api.edition {
            Edition::Private => &body["authorizationData"][0],
            Edition::Public => &body["authorizationData"],
        };
        read(data).ok_or_else(|| {
            Error::Fatal(
                "Amazon ECR answered GetAuthorizationToken without a login in it; check the endpoint".to_owned(),
            )
        })
    }
}

/// The token is `user:password` in base64.
fn read(data: &Value) -> Option<Credential> {
    let login = String::from_utf8(STANDARD.decode(text(data, "authorizationToken")).ok()?).ok()?;
    let (username, password) =
        login.split_once(':').filter(|(user, password)| !user.is_empty() && !password.is_empty())?;
    let [username, password] = [username, password].map(str::to_owned);
    Some(Credential { username, password, expires_at: seconds(&data["expiresAt"]) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_a_user_and_a_password() {
        // Of `AWS:not-a-real-token`.
        let data = json!({"authorizationToken": "QVdTOm5vdC1hLXJlYWwtdG9rZW4=", "expiresAt": 1_700_000_000.5});
        let login = read(&data).expect("a login");
        assert_eq!((login.username.as_str(), login.password.as_str()), ("AWS", "not-a-real-token"));
        assert_eq!(login.expires_at, Some(1_700_000_000));
        for bad in [json!({}), json!({"authorizationToken": "!"}), json!({"authorizationToken": "QVdT"}), Value::Null] {
            assert!(read(&bad).is_none(), "{bad}");
        }
    }
}
