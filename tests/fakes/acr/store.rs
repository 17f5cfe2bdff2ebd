//! What an instance has, or a customer in the personal edition.

use std::time::Duration;

use super::Tag;
use super::gateway::Refusal;

pub(super) struct Store {
    pub(super) namespaces: Vec<Namespace>,
    /// How many namespaces there may be.
    pub(super) quota: usize,
    /// A user, a token, and how long that is valid.
    pub(super) credential: (String, String, Duration),
    /// How many things have been numbered.
    counted: usize,
}

pub(super) struct Namespace {
    pub(super) number: usize,
    pub(super) name: String,
    pub(super) auto_create: bool,
    pub(super) public: bool,
    repositories: Vec<Repository>,
}

pub(super) struct Repository {
    pub(super) number: usize,
    pub(super) name: String,
    pub(super) public: bool,
    pub(super) summary: String,
    pub(super) tags: Vec<Tag>,
}

impl Default for Store {
    fn default() -> Self {
        let credential = ("cr_temp_user".to_owned(), "not-a-real-token".to_owned(), Duration::from_hours(1));
        Self { namespaces: Vec::new(), quota: usize::MAX, credential, counted: 0 }
    }
}

impl Store {
    /// In their order, each with its namespace.
    pub(super) fn repositories(&self) -> impl Iterator<Item = (&Namespace, &Repository)> {
        self.namespaces.iter().flat_map(|namespace| namespace.repositories.iter().map(move |it| (namespace, it)))
    }

    pub(super) fn namespace(&self, name: &str) -> Result<&Namespace, Refusal> {
        let absent = || Refusal::service(404, "NAMESPACE_NOT_EXIST", "namespace is not exist");
        self.namespaces.iter().find(|it| it.name == name).ok_or_else(absent)
    }

    pub(super) fn namespace_mut(&mut self, name: &str) -> Result<&mut Namespace, Refusal> {
        self.namespace(name)?;
        Ok(self.namespaces.iter_mut().find(|it| it.name == name).unwrap())
    }

    /// The first that fits.
    pub(super) fn repository(
        &self,
        fits: impl Fn(&Namespace, &Repository) -> bool,
    ) -> Result<(&Namespace, &Repository), Refusal> {
        let absent = || Refusal::service(404, "REPO_NOT_EXIST", "repo is not exist");
        self.repositories().find(|(namespace, it)| fits(namespace, it)).ok_or_else(absent)
    }

    pub(super) fn create_namespace(&mut self, name: &str, auto_create: bool, public: bool) -> Result<usize, Refusal> {
        if !valid(name, 120) {
            return Err(Refusal::service(400, "NAMESPACE_NAME_INVALID", "namespace name is invalid"));
        }
        if self.namespace(name).is_ok() {
            return Err(Refusal::service(409, "NAMESPACE_ALREADY_EXIST", "namespace already exist"));
        }
        if self.namespaces.len() >= self.quota {
            return Err(Refusal::service(403, "NAMESPACE_COUNT_EXCEEDED", "namespace count has reached the limit"));
        }
        self.add_namespace(name, auto_create, public);
        Ok(self.counted)
    }

    pub(super) fn create_repository(
        &mut self,
        namespace: &str,
        name: &str,
        public: bool,
        summary: &str,
    ) -> Result<usize, Refusal> {
        self.namespace(namespace)?;
        if !name.split('/').all(|part| valid(part, 64)) {
            return Err(Refusal::service(400, "REPO_NAME_INVALID", "repo name is invalid"));
        }
        if self.repository(|at, it| at.name == namespace && it.name == name).is_ok() {
            return Err(Refusal::service(409, "REPO_ALREADY_EXIST", "repo already exist"));
        }
        self.push(namespace, name, public, summary, &[]);
        Ok(self.counted)
    }

    pub(super) fn add_namespace(&mut self, name: &str, auto_create: bool, public: bool) {
        self.counted += 1;
        let (number, name) = (self.counted, name.to_owned());
        self.namespaces.push(Namespace { number, name, auto_create, public, repositories: Vec::new() });
    }

    pub(super) fn add_repository(&mut self, namespace: &str, name: &str, tags: &[Tag]) {
        if self.namespace(namespace).is_err() {
            self.add_namespace(namespace, true, false);
        }
        self.push(namespace, name, false, "", tags);
    }

    fn push(&mut self, namespace: &str, name: &str, public: bool, summary: &str, tags: &[Tag]) {
        self.counted += 1;
        let number = self.counted;
        let [name, summary] = [name, summary].map(str::to_owned);
        let namespace = self.namespaces.iter_mut().find(|it| it.name == namespace).unwrap();
        namespace.repositories.push(Repository { number, name, public, summary, tags: tags.to_vec() });
    }
}

/// Lowercase letters and digits, with `.`, `_` or `-` between them.
fn valid(name: &str, longest: usize) -> bool {
    let separator = |letter| matches!(letter, '.' | '_' | '-');
    let known = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || separator(letter);
    (2..=longest).contains(&name.len())
        && name.chars().all(known)
        && !name.starts_with(separator)
        && !name.ends_with(separator)
}
