//! Projects, which must be there before a push.

use std::collections::HashMap;

use image_transfer_sdk::Error;
use image_transfer_sdk::Result;
use image_transfer_sdk::api::Kind;
use image_transfer_sdk::api::number;
use image_transfer_sdk::ensure::Place;
use image_transfer_sdk::http::Client;
use image_transfer_sdk::http::Request;
use serde_json::Value;
use serde_json::json;

use crate::api;
use crate::api::Advice;
use crate::api::Rate;
use crate::api::segment;

/// The projects that a token sees.
#[derive(Debug)]
pub struct Projects<C> {
    client: C,
    api: String,
    /// What is there, by full path.
    there: HashMap<String, Kept>,
}

/// What is at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kept {
    Project,
    /// A group or a user, with its number.
    Namespace(u64),
}

impl<C: Client> Projects<C> {
    /// None is known yet.
    pub fn new(client: C, api: String) -> Self {
        Self { client, api, there: HashMap::new() }
    }

    /// The project that a repository lies in: the one on its path, or the segment behind the deepest group on its path, where one is
    /// to be made. Groups are not made: who may do what is decided there.
    pub fn project_of(&mut self, repository: &str) -> Result<String> {
        let mut ends = repository.match_indices('/').map(|(at, _)| at).chain([repository.len()]);
        let top = &repository[..ends.next().unwrap_or_default()];
        if top.len() == repository.len() {
            return Err(Error::Fatal(format!(
                "`{repository}` has no group, which GitLab needs: set `to.namespace` of the transfer to a group or to group/project"
            )));
        }
        if self.namespace(top)?.is_none() {
            return Err(Error::NotFound(format!(
                "GitLab has no group or user `{top}` that this token sees, for the repository `{repository}`; make it, for groups are not \
                 made here, or choose another by `to.namespace`"
            )));
        }
        for end in ends {
            let path = &repository[..end];
            if self.project(path)? || end == repository.len() || self.namespace(path)?.is_none() {
                return Ok(path.to_owned());
            }
        }
        Ok(repository.to_owned())
    }

    fn project(&mut self, path: &str) -> Result<bool> {
        match self.there.get(path) {
            Some(kept) => return Ok(*kept == Kept::Project),
            None if self.get("projects", "project", path)?.is_none() => return Ok(false),
            None => {}
        }
        self.there.insert(path.to_owned(), Kept::Project);
        Ok(true)
    }

    fn namespace(&mut self, path: &str) -> Result<Option<u64>> {
        match self.there.get(path) {
            Some(Kept::Namespace(id)) => return Ok(Some(*id)),
            Some(Kept::Project) => return Ok(None),
            None => {}
        }
        let id = self.get("namespaces", "group", path)?.and_then(|body| number(&body["id"]));
        if let Some(id) = id {
            self.there.insert(path.to_owned(), Kept::Namespace(id));
        }
        Ok(id)
    }

    fn get(&self, list: &str, kind: &str, path: &str) -> Result<Option<Value>> {
        let request = Request::get(format!("{}/{list}/{}", self.api, segment(path)));
        let response = self.client.send(Rate::Project.of(request))?;
        match api::read(&format!("the {kind} `{path}`"), &response, &|_| None) {
            Ok(body) => Ok(Some(body)),
            Err(Error::NotFound(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl<C: Client> Place for Projects<C> {
    fn exists(&mut self, name: &str) -> Result<bool> {
        self.project(name)
    }

    fn create(&mut self, name: &str, public: bool) -> Result<()> {
        let (group, path) = name.rsplit_once('/').unwrap_or_default();
        let namespace = self.namespace(group)?;
        let visibility = if public { "public" } else { "private" };
        let body = json!({"path": path, "name": path, "namespace_id": namespace, "visibility": visibility});
        let request = Request::post(format!("{}/projects", self.api)).json(&body)?;
        let response = self.client.send(Rate::Other.of(request))?;
        let advice: Advice<'_> = &|kind| match kind {
            Kind::Rights => Some(format!(
                "give the token the scope `api`, and its user the right to create projects in `{group}` (usually the role Maintainer)"
            )),
            Kind::Other => Some(format!(
                "check that `{group}` lets its projects be {visibility}, and that the name is one that GitLab allows"
            )),
            _ => None,
        };
        api::read(&format!("to create the project `{name}`"), &response, advice)?;
        self.there.insert(name.to_owned(), Kept::Project);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;

    use image_transfer_sdk::http::Response;

    use super::*;

    /// A GitLab with these groups and projects; what was asked.
    fn projects(
        groups: &'static [&str],
        projects: &'static [&str],
    ) -> (Projects<impl Client>, Rc<RefCell<Vec<String>>>) {
        let log = Rc::<RefCell<Vec<String>>>::default();
        let noted = Rc::clone(&log);
        let client = move |request: Request| {
            let url = request.url().trim_start_matches("http://gitlab/").replace("%2F", "/");
            noted.borrow_mut().push(url.clone());
            let (list, path) = url.split_once('/').expect("a path");
            let there = if list == "namespaces" { groups } else { projects };
            let found = there.contains(&path);
            Ok(Response::new(if found { 200 } else { 404 }, &[], if found { r#"{"id": 7}"# } else { "{}" }))
        };
        (Projects::new(client, "http://gitlab".to_owned()), log)
    }

    #[test]
    fn a_project_is_on_the_path_or_behind_the_deepest_group() {
        let (mut there, log) = projects(&["g", "g/sub"], &["g/sub/old"]);
        for (repository, project) in [
            ("g/sub/old/a/b", "g/sub/old"),
            ("g/sub/old", "g/sub/old"),
            ("g/sub/new/a/b", "g/sub/new"),
            ("g/app", "g/app"),
            ("g/app/image", "g/app"),
        ] {
            assert_eq!(there.project_of(repository).as_deref(), Ok(project), "{repository}");
        }
        // What is there is asked for once.
        assert_eq!(log.borrow().iter().filter(|url| *url == "namespaces/g").count(), 1);
        assert_eq!(log.borrow().iter().filter(|url| *url == "projects/g/sub/old").count(), 1);
        assert!(matches!(there.project_of("other/app"), Err(Error::NotFound(text)) if text.contains("`other`")));
        assert!(matches!(there.project_of("app"), Err(Error::Fatal(text)) if text.contains("`to.namespace`")));
    }
}
