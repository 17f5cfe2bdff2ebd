//! Repositories, which a push would make too, but public.

use std::time::Duration;

use image_transfer_sdk::Error;
use image_transfer_sdk::Result;
use image_transfer_sdk::api::Kind;
use image_transfer_sdk::clock;
use image_transfer_sdk::ensure::Place;
use image_transfer_sdk::http::Client;
use image_transfer_sdk::http::Request;
use serde_json::json;

use crate::PER_SECOND;
use crate::answer;
use crate::answer::Advice;
use crate::answer::USUAL;

/// The repositories of Docker Hub, by `namespace/name`.
#[derive(Debug)]
pub struct Repositories<C> {
    client: C,
    endpoint: String,
    clock: fn() -> Duration,
}

impl<C: Client> Repositories<C> {
    /// Those that the client's user sees.
    pub fn new(client: C, endpoint: String) -> Self {
        Self { client, endpoint, clock: clock::now }
    }
}

impl<C: Client> Place for Repositories<C> {
    fn exists(&mut self, name: &str) -> Result<bool> {
        let (namespace, short) = split(name)?;
        let url = format!("{}/v2/namespaces/{namespace}/repositories/{short}", self.endpoint);
        let response = self.client.send(Request::get(url).rate("api", PER_SECOND))?;
        match answer::read(&format!("the repository `{name}`"), &response, self.clock, USUAL) {
            Ok(_) => Ok(true),
            Err(Error::NotFound(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn create(&mut self, name: &str, public: bool) -> Result<()> {
        let (namespace, short) = split(name)?;
        let body = json!({"name": short, "namespace": namespace, "registry": "docker.io", "description": "", "is_private": !public});
        let url = format!("{}/v2/namespaces/{namespace}/repositories", self.endpoint);
        let response = self.client.send(Request::post(url).rate("api", PER_SECOND).json(&body)?)?;
        let advice: Advice<'_> = &|kind| match kind {
            Kind::Rights => Some(format!(
                "give the token the right to read and write, and the user that to create repositories in `{namespace}`; the plan may \
                 also allow no more private ones"
            )),
            Kind::Missing => Some(format!("there is no user or organization `{namespace}`: check `to.namespace`")),
            Kind::Other => Some("check the name, and how many private repositories the plan allows".to_owned()),
            _ => None,
        };
        answer::read(&format!("to create the repository `{name}`"), &response, self.clock, advice).map(drop)
    }
}

/// Namespace and name. Docker Hub has no deeper names.
fn split(repository: &str) -> Result<(&str, &str)> {
    match repository.split_once('/') {
        Some((namespace, name)) if !name.contains('/') => Ok((namespace, name)),
        Some(_) => Err(Error::Fatal(format!(
            "`{repository}` has more than two parts, and Docker Hub has only namespace/name: rename it by a mapper, such as `rewrite`"
        ))),
        None => Err(Error::Fatal(format!(
            "`{repository}` has no namespace, which Docker Hub needs: set `to.namespace` of the transfer"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_two_parts() {
        assert_eq!(split("ns/app"), Ok(("ns", "app")));
        let text = |name| match split(name) {
            Err(Error::Fatal(text)) => text,
            other => panic!("{other:?}"),
        };
        assert!(text("app").contains("`to.namespace`"));
        assert!(text("a/b/c").contains("`rewrite`"));
    }
}
