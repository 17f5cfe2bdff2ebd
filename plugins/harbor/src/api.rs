//! Harbor's API: requests, answers and errors, and whether it is one at all and knows who asks.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use image_transfer_sdk::Error;
use image_transfer_sdk::Result;
use image_transfer_sdk::api;
use image_transfer_sdk::api::Kind;
use image_transfer_sdk::api::Refusal;
use image_transfer_sdk::config::Problems;
use image_transfer_sdk::http::Client;
use image_transfer_sdk::http::Request;
use image_transfer_sdk::http::Response;
use image_transfer_sdk::pager::Next;
use image_transfer_sdk::pager::Page;
use image_transfer_sdk::reference::check_registry;
use serde_json::Value;

/// Where the API is.
const API: &str = "/api/v2.0";

/// Entries of a page, the most that the API gives.
const PAGE: u64 = 100;

/// A Harbor as one user, or nobody in particular, sees it.
#[derive(Clone)]
pub struct Api {
    base: String,
    host: String,
    login: Option<Login>,
}

#[derive(Clone)]
struct Login {
    username: String,
    authorization: String,
}

impl fmt::Debug for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Api").field("base", &self.base).finish_non_exhaustive()
    }
}

impl Api {
    /// From a plugin's options.
    pub(crate) fn read(problems: &mut Problems, url: &str, login: Option<(&str, &str)>) -> Self {
        let base = url.trim_end_matches('/');
        let base = base.strip_suffix(API).unwrap_or(base).trim_end_matches('/').to_owned();
        let (scheme, rest) = base.split_once("://").unwrap_or_default();
        let host = rest.split('/').next().unwrap_or_default();
        let host = if scheme == "https" { host.strip_suffix(":443").unwrap_or(host) } else { host };
        let host = host.to_ascii_lowercase();
        if !matches!(scheme, "https" | "http") || base.contains(['?', '#', '@']) || check_registry(&host).is_err() {
            problems.push("/url: must be where Harbor is and no more, such as https://harbor.corp");
        }
        for (name, value) in
            login.into_iter().flat_map(|(username, password)| [("username", username), ("password", password)])
        {
            if value.trim().is_empty() {
                problems.push(format!("/{name}: is empty"));
            }
        }
        let login = login.map(|(username, password)| {
            if username.contains(':') {
                problems.push("/username: has a `:`, which no user or robot has");
            }
            let authorization = format!("Basic {}", STANDARD.encode(format!("{username}:{password}")));
            Login { username: username.to_owned(), authorization }
        });
        Self { base, host, login }
    }

    /// The host of its URL, which is that of its registry.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// Who asks, as sentences name it.
    pub(crate) fn user(&self) -> String {
        self.login.as_ref().map_or_else(|| "nobody in particular".to_owned(), |login| format!("`{}`", login.username))
    }

    /// Asks for a page of the list at `path`, counted from 0. Links to the next page are not followed.
    pub(crate) fn ask_page(&self, path: &str, query: &str, page: u64) -> Request {
        self.request("GET", &format!("{API}{path}?page={}&page_size={PAGE}{query}", page + 1))
    }

    /// Makes something.
    pub(crate) fn ask_to_make(&self, path: &str, value: &Value) -> Result<Request> {
        self.request("POST", &format!("{API}{path}")).json(value)
    }

    fn request(&self, method: &str, path: &str) -> Request {
        let request = Request::new(method, format!("{}{path}", self.base)).header("Accept", "application/json");
        match &self.login {
            Some(login) => request.header("Authorization", login.authorization.as_str()),
            None => request,
        }
    }

    /// Finds out whether this is Harbor 2 and knows who asks. Its lists answer a wrong password with what is public, as if there were
    /// nothing else.
    pub(crate) fn greet(&self, client: &dyn Client) -> Result<()> {
        let version = client.send(self.request("GET", "/api/version"))?;
        if version.status() == 404 {
            return Err(Error::Fatal(format!(
                "{} has no API of Harbor 2: check `url`; Harbor 1.x is too old and has to be updated first",
                self.base
            )));
        }
        let action = "GET /api/version";
        if self.read_answer(action, &version)?["version"].as_str().is_none() {
            return Err(api::unreadable(&self.provider(), action, &version));
        }
        if self.login.is_none() {
            return Ok(());
        }
        let current = client.send(self.request("GET", &format!("{API}/users/current")))?;
        // 412 is what robots hear: they are known, and no user.
        if current.status() == 412 || self.logs_in(client, &current) {
            return Ok(());
        }
        self.read_answer("GET /users/current", &current).map(drop)
    }

    /// Whether credentials that the API does not take here are good for docker's login, as a CLI secret of OIDC is: few requests to the
    /// API are allowed with it, the lists among them, and this one is not.
    fn logs_in(&self, client: &dyn Client, current: &Response) -> bool {
        current.status() == 401
            && client.send(self.request("GET", "/service/token?service=harbor-registry")).is_ok_and(|answer| {
                answer
                    .json::<Value>()
                    .is_ok_and(|answer| answer["token"].as_str().is_some_and(|token| !token.is_empty()))
            })
    }

    /// A page of a list. An entry that `read` finds no name in makes it unreadable: entries without one look like one.
    pub(crate) fn read_page<T>(
        &self,
        action: &str,
        response: &Response,
        read: impl Fn(&Value) -> Option<T>,
    ) -> Result<Page<T>> {
        let total = response.header("x-total-count").and_then(|total| total.trim().parse().ok());
        let answer = self.read_answer(action, response)?;
        let items = answer.as_array().and_then(|items| items.iter().map(read).collect());
        match items {
            Some(items) => Ok(Page { items, total, next: Next::Counted }),
            None => Err(api::unreadable(&self.provider(), action, response)),
        }
    }

    /// Whether something was made, or the error that it was not.
    pub(crate) fn read_made(&self, action: &str, response: &Response) -> Result<()> {
        match response.status() {
            200..=299 => Ok(()),
            _ => self.read_answer(action, response).map(drop),
        }
    }

    /// The body of an answer, or the error that it is.
    fn read_answer(&self, action: &str, response: &Response) -> Result<Value> {
        match response.status() {
            200..=299 => api::json(&self.provider(), action, response),
            301 | 302 | 303 | 307 | 308 => {
                let to = response.header("location").unwrap_or("nowhere").split('?').next().unwrap_or_default();
                Err(Error::Fatal(format!(
                    "{} answered {action} with a redirect to {to}, which is not followed: write into `url` where Harbor itself is",
                    self.provider()
                )))
            }
            _ => Err(self.refusal(action, response)),
        }
    }

    fn refusal(&self, action: &str, response: &Response) -> Error {
        let body: Value = serde_json::from_slice(response.body()).unwrap_or_default();
        let error = &body["errors"][0];
        let text = |name: &str| error[name].as_str().unwrap_or_default();
        let (code, message) = (text("code"), text("message"));
        // That there is no such path is not that there is no such thing.
        if code.is_empty() || message.starts_with("path ") {
            return api::unreadable(&self.provider(), action, response);
        }
        let kind = api::kind_of(response);
        let advice = match (kind, &self.login) {
            (Kind::Credentials | Kind::Rights, None) => {
                Some("give `username` and `password`: without them, only what is public is shown".to_owned())
            }
            (Kind::Credentials, Some(_)) => Some(format!(
                "check `username` and `password` of {}: the secret of a robot may have expired, and who signs in by OIDC needs the \
                 CLI secret of the user's profile",
                self.user()
            )),
            (Kind::Rights, Some(_)) => Some(format!(
                "{} needs the right to this in the project; docs/providers/harbor.md names the rights",
                self.user()
            )),
            _ => None,
        };
        Refusal { provider: &self.provider(), action, code, message, kind, advice }.into()
    }

    /// How sentences name it: there may be two.
    pub(crate) fn provider(&self) -> String {
        format!("Harbor at {}", self.host)
    }
}
