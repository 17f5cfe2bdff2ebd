//! How to log in: with what a token service issues.

use crate::Component;
use crate::Options;
use crate::exports::image_transfer::plugin::credentials::Credential;
use crate::exports::image_transfer::plugin::credentials::Guest;
use crate::exports::image_transfer::plugin::credentials::GuestIssuer;
use crate::exports::image_transfer::plugin::credentials::Issuer;
use crate::http;
use crate::image_transfer::plugin::types::Error;

impl Guest for Component {
    type Issuer = Tokens;
}

/// One issuer.
pub(crate) struct Tokens {
    url: String,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Token {
    username: String,
    password: String,
    expires_at: Option<u64>,
}

impl GuestIssuer for Tokens {
    fn open(config: String) -> Result<Issuer, Error> {
        let url = Options::read(&config)?.tokens;
        if url.is_empty() {
            return Err(Error::InvalidConfig("/tokens: is missing".to_owned()));
        }
        Ok(Issuer::new(Self { url }))
    }

    // Asked again before `expires_at`.
    fn issue(&self, registry: String) -> Result<Credential, Error> {
        let response = http::send("POST", format!("{}?registry={registry}", self.url))?;
        if response.status != 200 {
            return Err(http::refusal(&response));
        }
        let token: Token = serde_json::from_slice(&response.body)
            .map_err(|error| Error::Fatal(format!("the token service gave no token: {error}")))?;
        Ok(Credential { username: token.username, password: token.password, expires_at: token.expires_at })
    }
}
