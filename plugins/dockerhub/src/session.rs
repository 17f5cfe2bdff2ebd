//! Who asks: the token that stands in each request, fetched with the first and again before it runs out.

use std::cell::RefCell;
use std::time::Duration;

use image_transfer_sdk::Error;
use image_transfer_sdk::Result;
use image_transfer_sdk::api::Kind;
use image_transfer_sdk::http::Client;
use image_transfer_sdk::http::Request;
use image_transfer_sdk::http::Response;
use serde_json::json;

use crate::answer;
use crate::answer::Advice;

/// A token is good for about ten minutes; it says so only within itself.
const GOOD_FOR: Duration = Duration::from_mins(9);

/// A user and his personal access token, or his password.
#[derive(Clone, Default)]
pub struct Login {
    pub(crate) username: String,
    pub(crate) token: String,
}

/// A client that adds the token. A request that is refused because its token ran out is sent once more, with a new one.
pub struct Session<C> {
    client: C,
    endpoint: String,
    login: Option<Login>,
    clock: fn() -> Duration,
    bearer: RefCell<Option<Bearer>>,
}

/// A token, and until when it is used.
#[derive(Clone)]
struct Bearer {
    token: String,
    until: Duration,
}

impl<C: Client> Session<C> {
    /// No login: nobody in particular, who sees what is public.
    pub fn new(client: C, endpoint: String, login: Option<Login>, clock: fn() -> Duration) -> Self {
        Self { client, endpoint, login, clock, bearer: RefCell::default() }
    }

    /// A token that is good for a while; none where nobody in particular asks.
    fn bearer(&self) -> Result<Option<String>> {
        let Some(login) = &self.login else { return Ok(None) };
        if let Some(bearer) = self.bearer.borrow().as_ref().filter(|bearer| (self.clock)() < bearer.until) {
            return Ok(Some(bearer.token.clone()));
        }
        let now = (self.clock)();
        let request = Request::post(format!("{}/v2/auth/token", self.endpoint))
            .rate("api", crate::PER_SECOND)
            .json(&json!({"identifier": login.username, "secret": login.token}))?;
        let response = self.client.send(request)?;
        let advice: Advice<'_> = &|kind| {
            (kind == Kind::Credentials).then(|| {
                "check `username` and `token`: the token may be mistyped, expired, deactivated or another user's, and a password \
                 does not do where the account has two-factor authentication or single sign-on"
                    .to_owned()
            })
        };
        let body = answer::read("the login", &response, self.clock, advice)?;
        let Some(token) = body["access_token"].as_str() else {
            // The answer itself may hold a secret, so it is not shown.
            return Err(Error::Fatal(format!(
                "Docker Hub answered the login without an access token; check that {} is its API",
                self.endpoint
            )));
        };
        *self.bearer.borrow_mut() = Some(Bearer { token: token.to_owned(), until: now + GOOD_FOR });
        Ok(Some(token.to_owned()))
    }

    /// Forgets a token that was refused, unless another one took its place already.
    fn forget(&self, token: &str) {
        let mut bearer = self.bearer.borrow_mut();
        if bearer.as_ref().is_some_and(|bearer| bearer.token == token) {
            *bearer = None;
        }
    }
}

impl<C: Client> Client for Session<C> {
    fn send(&self, request: Request) -> Result<Response> {
        self.send_all(vec![request]).pop().unwrap_or_else(|| Err(Error::Fatal("the host did not answer".to_owned())))
    }

    fn send_all(&self, requests: Vec<Request>) -> Vec<Result<Response>> {
        let with = |requests: &[Request], token: &str| {
            let signed = |it: &Request| it.clone().header("authorization", format!("Bearer {token}"));
            self.client.send_all(requests.iter().map(signed).collect())
        };
        let token = match self.bearer() {
            Ok(Some(token)) => token,
            Ok(None) => return self.client.send_all(requests),
            Err(error) => return requests.iter().map(|_| Err(error.clone())).collect(),
        };
        let mut answers = with(&requests, &token);
        let refused = |answer: &Result<Response>| answer.as_ref().is_ok_and(|it| it.status() == 401);
        let again: Vec<usize> = (0..answers.len()).filter(|index| refused(&answers[*index])).collect();
        if again.is_empty() {
            return answers;
        }
        self.forget(&token);
        let once_more: Vec<Request> = again.iter().map(|index| requests[*index].clone()).collect();
        let renewed = match self.bearer() {
            Ok(token) => with(&once_more, &token.unwrap_or_default()),
            Err(error) => once_more.iter().map(|_| Err(error.clone())).collect(),
        };
        for (index, answer) in again.into_iter().zip(renewed) {
            answers[index] = answer;
        }
        answers
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::rc::Rc;

    use super::*;

    thread_local! { static NOW: Cell<u64> = const { Cell::new(1_000) }; }

    fn clock() -> Duration {
        Duration::from_secs(NOW.get())
    }

    /// An API whose tokens are good while `good` says so; who was logged in, request by request.
    fn session(good: impl Fn(&str) -> bool) -> (Session<impl Client>, Rc<RefCell<Vec<String>>>) {
        let log = Rc::<RefCell<Vec<String>>>::default();
        let (noted, count) = (Rc::clone(&log), Cell::new(0));
        let client = move |request: Request| {
            let header = |name: &str| request.headers().iter().find(|it| it.0 == name).map(|it| it.1.clone());
            let who = header("authorization").unwrap_or_else(|| "nobody".to_owned());
            noted.borrow_mut().push(format!("{who} {}", request.url()));
            if request.url().ends_with("/token") {
                count.set(count.get() + 1);
                return Ok(Response::new(200, &[], format!(r#"{{"access_token": "{}"}}"#, count.get())));
            }
            Ok(Response::new(if good(&who) { 200 } else { 401 }, &[], "{}"))
        };
        let login = Login { username: "me".to_owned(), token: "not-a-real-token".to_owned() };
        (Session::new(client, "http://hub".to_owned(), Some(login), clock), log)
    }

    fn get(path: &str) -> Request {
        Request::get(format!("http://hub/{path}"))
    }

    #[test]
    fn a_token_is_fetched_once_and_again_before_it_runs_out() {
        NOW.set(1_000);
        let (session, log) = session(|_| true);
        for after in [0, 500, 539, 540] {
            NOW.set(1_000 + after);
            assert_eq!(session.send(get("x")).expect("an answer").status(), 200);
        }
        let logins = log.borrow().iter().filter(|line| line.ends_with("/token")).count();
        assert_eq!((logins, log.borrow().last().map(String::as_str)), (2, Some("Bearer 2 http://hub/x")));
    }

    #[test]
    fn a_token_that_ran_out_early_is_renewed_once_for_all_that_it_was_refused_for() {
        let (session, log) = session(|who| who == "Bearer 2");
        let answers = session.send_all(vec![get("a"), get("b")]);
        assert!(answers.iter().all(|answer| answer.as_ref().is_ok_and(|it| it.status() == 200)));
        let urls = ["nobody http://hub/v2/auth/token", "Bearer 1 http://hub/a", "Bearer 1 http://hub/b"];
        let renewed = ["nobody http://hub/v2/auth/token", "Bearer 2 http://hub/a", "Bearer 2 http://hub/b"];
        assert_eq!(*log.borrow(), [urls, renewed].concat());
    }

    #[test]
    fn a_new_token_that_is_refused_too_is_not_renewed() {
        let (session, log) = session(|_| false);
        assert_eq!(session.send(get("a")).expect("an answer").status(), 401);
        assert_eq!(log.borrow().len(), 4);
    }
}
