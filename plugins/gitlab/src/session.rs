//! Who asks. GitLab bans an address that keeps coming with a wrong token, so the first refusal of one is the last request.

use std::cell::RefCell;

use image_transfer_sdk::Error;
use image_transfer_sdk::Result;
use image_transfer_sdk::http::Client;
use image_transfer_sdk::http::Request;
use image_transfer_sdk::http::Response;

/// Requests on their way at once: as many may be refused for a token that ran out under way, half of what is punished.
const AT_ONCE: usize = 15;

/// A client that adds the token.
pub struct Session<C> {
    client: C,
    token: String,
    refused: RefCell<Option<Response>>,
}

impl<C: Client> Session<C> {
    /// Requests of the token's owner.
    pub fn new(client: C, token: String) -> Self {
        Self { client, token, refused: RefCell::default() }
    }
}

impl<C: Client> Client for Session<C> {
    fn send(&self, request: Request) -> Result<Response> {
        self.send_all(vec![request]).pop().unwrap_or_else(|| Err(Error::Fatal("the host did not answer".to_owned())))
    }

    fn send_all(&self, requests: Vec<Request>) -> Vec<Result<Response>> {
        let mut answers = Vec::with_capacity(requests.len());
        for some in requests.chunks(AT_ONCE) {
            if let Some(refusal) = self.refused.borrow().as_ref() {
                answers.extend(some.iter().map(|_| Ok(refusal.clone())));
                continue;
            }
            let with = |it: &Request| it.clone().header("private-token", self.token.as_str());
            let came = self.client.send_all(some.iter().map(with).collect());
            *self.refused.borrow_mut() = came.iter().flatten().find(|it| it.status() == 401).cloned();
            answers.extend(came);
        }
        answers
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::rc::Rc;

    use super::*;

    #[test]
    fn a_refused_token_is_not_sent_again() {
        let count = Rc::new(Cell::new(0));
        let sent = Rc::clone(&count);
        let client = move |request: Request| {
            assert!(request.headers().contains(&("private-token".to_owned(), "not-a-real-token".to_owned())));
            sent.set(sent.get() + 1);
            Ok(Response::new(if sent.get() <= 2 { 200 } else { 401 }, &[], "{}"))
        };
        let session = Session::new(client, "not-a-real-token".to_owned());
        let all = |count: usize| (0..count).map(|_| Request::get("http://gitlab/x")).collect();
        let refused = |answers: Vec<Result<Response>>| answers.iter().flatten().filter(|it| it.status() == 401).count();
        assert_eq!((refused(session.send_all(all(2))), count.get()), (0, 2));
        assert_eq!((refused(session.send_all(all(40))), count.get()), (40, 2 + AT_ONCE));
        assert_eq!((refused(session.send_all(all(1))), count.get()), (1, 2 + AT_ONCE));
    }
}
