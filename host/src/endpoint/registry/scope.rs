//! What a token is asked for.

use crate::oci::Repository;

/// One scope (docker/distribution, "Token Scope Documentation").
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Scope(String);

impl Scope {
    /// Reading a repository.
    pub(crate) fn pull(repository: &Repository) -> Self {
        Self(format!("repository:{repository}:pull"))
    }

    /// Reading and writing a repository.
    pub(crate) fn push(repository: &Repository) -> Self {
        Self(format!("repository:{repository}:pull,push"))
    }

    /// Listing the registry's repositories.
    pub(crate) fn catalog() -> Self {
        Self("registry:catalog:*".to_owned())
    }
}

/// The scopes of one token: sorted, each once, so that equal sets share a token.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct ScopeSet(Vec<Scope>);

impl ScopeSet {
    /// The set of `scopes`. Reading is left out where the same repository is written.
    pub(super) fn new(scopes: &[Scope]) -> Self {
        let mut set = scopes.to_vec();
        set.retain(|scope| match scope.0.strip_suffix(":pull") {
            Some(repository) => !scopes.iter().any(|other| other.0 == format!("{repository}:pull,push")),
            None => true,
        });
        set.sort();
        set.dedup();
        Self(set)
    }

    /// The scopes, as they go into a query.
    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|scope| scope.0.as_str())
    }

    /// The repository that logs in: that of the first repository scope.
    pub(super) fn repository(&self) -> Option<&str> {
        self.iter()
            .find_map(|scope| scope.strip_prefix("repository:")?.rsplit_once(':').map(|(repository, _)| repository))
    }

    /// Whether each action of `asked` (scopes as a challenge names them, separated by spaces) is in the set.
    pub(super) fn holds(&self, asked: &str) -> bool {
        asked.split_ascii_whitespace().all(|scope| {
            let Some((what, actions)) = scope.rsplit_once(':') else { return false };
            let held = |action: &str| {
                self.iter().any(|own| {
                    own.rsplit_once(':').is_some_and(|(own, actions)| {
                        own == what && actions.split(',').any(|own| own == action || own == "*")
                    })
                })
            };
            actions.split(',').all(held)
        })
    }

    /// This set and what a challenge asks for.
    pub(super) fn with(&self, asked: &str) -> Self {
        let asked = asked.split_ascii_whitespace().map(|scope| Scope(scope.to_owned()));
        Self::new(&self.0.iter().cloned().chain(asked).collect::<Vec<_>>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_sets_are_equal_whatever_the_order() {
        let (a, b) = ("team/a".parse().expect("name"), "team/b".parse().expect("name"));
        let set = ScopeSet::new(&[Scope::push(&b), Scope::pull(&a), Scope::pull(&b), Scope::pull(&a)]);
        assert_eq!(set.iter().collect::<Vec<_>>(), ["repository:team/a:pull", "repository:team/b:pull,push"]);
        assert_eq!(set, ScopeSet::new(&[Scope::pull(&a), Scope::push(&b)]));
        assert_eq!(set.repository(), Some("team/a"));
    }

    #[test]
    fn a_set_holds_the_actions_that_it_names() {
        let set = ScopeSet::new(&[Scope::push(&"a".parse().expect("name"))]);
        assert!(set.holds("repository:a:pull") && set.holds("repository:a:push,pull") && set.holds(""));
        assert!(!set.holds("repository:a:delete") && !set.holds("repository:b:pull") && !set.holds("nonsense"));
        assert!(set.with("repository:b:pull").holds("repository:a:pull repository:b:pull"));
    }
}
