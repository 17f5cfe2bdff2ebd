//! Which actions there are, what they take, and how they say no.

use serde_json::Value;
use serde_json::json;

use crate::harness::api::Fault;

/// An action of the API.
pub(super) struct Action {
    pub(super) name: &'static str,
    /// Calls in a second.
    pub(super) limit: usize,
    /// Names, types, and whether there is no call without. Those that this fake has no use for are not among them.
    parameters: &'static [(&'static str, Kind, bool)],
}

/// A parameter's type.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Number,
    Flag,
    List,
}

use Kind::Flag;
use Kind::List;
use Kind::Number;
use Kind::Text;

const fn action(name: &'static str, limit: usize, parameters: &'static [(&'static str, Kind, bool)]) -> Action {
    Action { name, limit, parameters }
}

const REGISTRY: (&str, Kind, bool) = ("RegistryId", Text, true);
const OFFSET: (&str, Kind, bool) = ("Offset", Number, false);
const LIMIT: (&str, Kind, bool) = ("Limit", Number, false);

/// With their limits and what they require as the documentation says of each.
pub(super) const ACTIONS: &[Action] = &[
    action(
        "DescribeNamespacePersonal",
        20,
        &[("Namespace", Text, true), ("Limit", Number, true), ("Offset", Number, true)],
    ),
    action("DescribeRepositoryOwnerPersonal", 100, &[OFFSET, LIMIT, ("RepoName", Text, false)]),
    action(
        "DescribeRepositoryFilterPersonal",
        20,
        &[OFFSET, LIMIT, ("RepoName", Text, false), ("Namespace", Text, false), ("Public", Number, false)],
    ),
    action("DescribeImagePersonal", 100, &[("RepoName", Text, true), OFFSET, LIMIT, ("Tag", Text, false)]),
    action("DescribeUserQuotaPersonal", 20, &[]),
    action("CreateNamespacePersonal", 20, &[("Namespace", Text, true)]),
    action(
        "CreateRepositoryPersonal",
        20,
        &[("RepoName", Text, true), ("Public", Number, false), ("Description", Text, false)],
    ),
    action(
        "DescribeInstances",
        100,
        &[("Registryids", List, false), OFFSET, LIMIT, ("Filters", List, false), ("AllRegion", Flag, false)],
    ),
    action("DescribeNamespaces", 100, &[REGISTRY, ("NamespaceName", Text, false), OFFSET, LIMIT, ("All", Flag, false)]),
    action(
        "DescribeRepositories",
        100,
        &[REGISTRY, ("NamespaceName", Text, false), ("RepositoryName", Text, false), OFFSET, LIMIT],
    ),
    action(
        "DescribeImages",
        100,
        &[
            REGISTRY,
            ("NamespaceName", Text, true),
            ("RepositoryName", Text, true),
            ("ImageVersion", Text, false),
            ("Digest", Text, false),
            ("ExactMatch", Flag, false),
            OFFSET,
            LIMIT,
        ],
    ),
    action("CreateNamespace", 20, &[REGISTRY, ("NamespaceName", Text, true), ("IsPublic", Flag, true)]),
    action(
        "CreateRepository",
        20,
        &[
            REGISTRY,
            ("NamespaceName", Text, true),
            ("RepositoryName", Text, true),
            ("BriefDescription", Text, false),
            ("Description", Text, false),
        ],
    ),
    action("CreateInstanceToken", 100, &[REGISTRY, ("TokenType", Text, false), ("Desc", Text, false)]),
];

/// Why not.
pub(super) struct Error {
    code: String,
    message: String,
}

impl Error {
    pub(super) fn new(code: &str, message: &str) -> Self {
        Self { code: code.to_owned(), message: message.to_owned() }
    }

    pub(super) fn missing(parameter: &str) -> Self {
        Self::new("MissingParameter", &format!("The request is missing a required parameter `{parameter}`."))
    }

    pub(super) fn value(&self) -> Value {
        json!({"Error": {"Code": self.code, "Message": self.message}})
    }
}

impl Action {
    /// Whether these are parameters of this action.
    pub(super) fn check(&self, body: &Value) -> Result<(), Error> {
        let Some(body) = body.as_object() else {
            return Err(Error::new("InvalidParameter", "The request body is not a JSON object."));
        };
        for (name, value) in body {
            let Some((_, kind, _)) = self.parameters.iter().find(|(known, _, _)| known == name) else {
                return Err(Error::new("UnknownParameter", &format!("The parameter `{name}` is not recognized.")));
            };
            let fits = match kind {
                Text => value.is_string(),
                Number => value.is_i64(),
                Flag => value.is_boolean(),
                List => value.is_array(),
            };
            if !fits {
                let message = format!("The value type of parameter `{name}` is not valid.");
                return Err(Error::new("InvalidParameter", &message));
            }
        }
        let absent = self.parameters.iter().find(|(name, _, required)| *required && !body.contains_key(*name));
        absent.map_or(Ok(()), |(name, _, _)| Err(Error::missing(name)))
    }
}

/// A text; empty where it is not among the parameters.
pub(super) fn text<'a>(body: &'a Value, name: &str) -> &'a str {
    body[name].as_str().unwrap_or_default()
}

/// Whether a name is found by a filter.
pub(super) fn fits(name: &str, filter: &str) -> bool {
    name.contains(filter)
}

/// `Offset` and `Limit`.
pub(super) fn window(body: &Value) -> Result<(usize, usize), Error> {
    let number = |name: &str, default: i64| body[name].as_i64().unwrap_or(default);
    let range = |name: &str| Error::new("InvalidParameterValue", &format!("The parameter `{name}` is out of range."));
    let offset = usize::try_from(number("Offset", 0)).map_err(|_| range("Offset"))?;
    match usize::try_from(number("Limit", 20)) {
        Ok(limit @ 1..=100) => Ok((offset, limit)),
        _ => Err(range("Limit")),
    }
}

/// The rows from `skip` on, and the total that is told, with what may be wrong with them.
pub(super) fn rows(items: &[Value], skip: usize, limit: usize, fault: Option<&Fault>) -> (Vec<Value>, i64) {
    let total = i64::try_from(items.len()).unwrap();
    let from = |skip| items.iter().skip(skip).take(limit).cloned().collect();
    match fault {
        Some(Fault::Lost) => (Vec::new(), total),
        Some(Fault::Repeated) => (from(skip.saturating_sub(limit)), total),
        Some(Fault::Total(difference)) => (from(skip), total + difference),
        _ => (from(skip), total),
    }
}

/// The row that a page begins with; pages are counted from 1, and page 0 is page 1.
pub(super) fn first_row(page: usize, limit: usize) -> usize {
    page.saturating_sub(1).saturating_mul(limit)
}
