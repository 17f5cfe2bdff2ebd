//! Variables in a file's texts: `${ENV}`, `${ENV:-default}`, `${ENV:?message}`, `${vars.NAME}`, and `$${` for a plain `${`.

use std::collections::BTreeMap;

use crate::secret::Secret;
use crate::workflow::Diagnostic;
use crate::workflow::Place;
use crate::workflow::Source;
use crate::workflow::node::Content;
use crate::workflow::node::Entry;
use crate::workflow::node::Node;
use crate::workflow::secrecy::is_secret_key;

/// Bytes that a file's variables may stand for together: as many as a file may have, against files that unfold into gigabytes.
const MAX_UNFOLDED: usize = Source::MAX_BYTES;

/// Replaces variables and collects what went wrong and what is secret.
pub(super) struct Interpolation<'a> {
    env: &'a dyn Fn(&str) -> Option<String>,
    vars: BTreeMap<String, Node>,
    /// Whether `${vars.…}` means something in this file: classic files have no variables of their own.
    has_vars: bool,
    /// Bytes that variables stood for so far.
    unfolded: usize,
    /// Errors so far.
    pub(super) diagnostics: Vec<Diagnostic>,
    /// Values of keys that are named like secrets.
    pub(super) secrets: Vec<Secret>,
}

impl<'a> Interpolation<'a> {
    /// Only the environment.
    pub(super) fn new(env: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self { env, vars: BTreeMap::new(), has_vars: false, unfolded: 0, diagnostics: Vec::new(), secrets: Vec::new() }
    }

    /// Also the workflow's `vars`, with `sets` (`--set NAME=VALUE`) in place of what they say.
    ///
    /// A set value is read as the declared one is: as a string if that is one, else by YAML's rules, so that `--set tag=1.10`
    /// stays `1.10` where the workflow says `tag: "1.9"`.
    pub(super) fn declare(&mut self, source: &Source, vars: &mut [Entry], sets: &[(String, String)]) {
        for entry in vars.iter_mut() {
            let at = entry.value.at;
            if let Some((_, text)) = sets.iter().rev().find(|(name, _)| *name == entry.key) {
                let plain = !matches!(&entry.value.content, Content::Scalar { .. } if entry.value.kind() == "a string");
                entry.value.content = Content::Scalar { text: text.clone(), plain };
                if is_secret_key(&entry.key) {
                    self.secrets.push(Secret::new(text.clone()));
                }
            } else if entry.value.is_null() {
                self.diagnostics.push(
                    Diagnostic::new(entry.key_at, format!("the variable `{}` has no value", entry.key))
                        .with_help(format!("set it with --set {}=VALUE, or give it a default here", entry.key)),
                );
                entry.value.content = Content::Wrong;
            } else {
                self.apply(source, &mut entry.value, is_secret_key(&entry.key));
            }
            self.vars.insert(entry.key.clone(), Node { at, content: entry.value.content.clone() });
        }
        for (name, _) in sets.iter().filter(|(name, _)| !self.vars.contains_key(name)) {
            self.diagnostics.push(
                Diagnostic::new(Place::default(), format!("--set {name}: the workflow has no variable of that name"))
                    .with_help(format!("declare it under `vars:`, such as `vars: {{{name}: …}}`"))
                    .with_suggestion(name, self.vars.keys().map(String::as_str)),
            );
        }
        self.has_vars = true;
    }

    /// Replaces the variables in all texts of `node`, keys included. `secret`: it belongs to a key that is named like a secret.
    pub(super) fn apply(&mut self, source: &Source, node: &mut Node, secret: bool) {
        match &mut node.content {
            Content::Wrong => {}
            Content::Sequence(items) => items.iter_mut().for_each(|item| self.apply(source, item, secret)),
            Content::Mapping(entries) => {
                for entry in entries {
                    self.apply(source, &mut entry.value, secret || is_secret_key(&entry.key));
                    if entry.key.contains("${")
                        && let Some(key) = self.key(source, entry)
                    {
                        entry.key = key;
                    }
                }
            }
            Content::Scalar { text, plain } => {
                if text.contains("${") {
                    node.content = self.scalar(source, node.at, text).unwrap_or(Content::Wrong);
                } else if *plain && matches!(node.kind(), "nothing" | "a boolean") {
                    return;
                }
                if let (true, Content::Scalar { text, .. }) = (secret, &node.content) {
                    self.secrets.push(Secret::new(text.clone()));
                }
            }
        }
    }

    fn key(&mut self, source: &Source, entry: &Entry) -> Option<String> {
        if let Content::Scalar { text, .. } = self.scalar(source, entry.key_at, &entry.key)? {
            return Some(text);
        }
        self.diagnostics.push(Diagnostic::new(entry.key_at, "a key must be a string"));
        None
    }

    /// `text` with its variables replaced; none if that failed, which has been told then.
    fn scalar(&mut self, source: &Source, at: Place, text: &str) -> Option<Content> {
        let mut result = String::with_capacity(text.len());
        let mut rest = text;
        let mut wrong = false;
        while let Some(start) = rest.find("${") {
            let (before, found) = rest.split_at(start);
            if let Some(before) = before.strip_suffix('$') {
                result.push_str(before);
                result.push_str("${");
                rest = &found[2..];
                continue;
            }
            result.push_str(before);
            let Some(end) = found.find('}') else {
                self.diagnostics.push(
                    Diagnostic::new(narrow(source, at, found), "`${` has no `}`")
                        .with_help("write `$${` for a plain `${`"),
                );
                return None;
            };
            let expression = &found[..=end];
            match self.resolve(&found[2..end]) {
                Ok(Content::Scalar { text: value, plain }) => {
                    if expression == text && self.is_var(&found[2..end]) {
                        return Some(Content::Scalar { text: value, plain });
                    }
                    result.push_str(&value);
                }
                Ok(Content::Wrong) => wrong = true,
                Ok(whole) if expression == text => return Some(whole),
                Ok(_) => {
                    let message = format!("`{expression}` is a list or a mapping and can only stand alone");
                    self.diagnostics.push(Diagnostic::new(narrow(source, at, expression), message));
                    wrong = true;
                }
                Err(error) => {
                    self.diagnostics.push(Diagnostic { place: narrow(source, at, expression), ..error });
                    wrong = true;
                }
            }
            rest = &found[end + 1..];
        }
        result.push_str(rest);
        if wrong { None } else { Some(Content::Scalar { text: result, plain: false }) }
    }

    fn is_var(&self, expression: &str) -> bool {
        self.has_vars && expression.starts_with("vars.")
    }

    /// The value of what stands between `${` and `}`.
    fn resolve(&mut self, expression: &str) -> Result<Content, Diagnostic> {
        let error = |message: String| Diagnostic::new(Place::default(), message);
        if self.unfolded > MAX_UNFOLDED {
            // It has been told.
            return Ok(Content::Wrong);
        }
        if let Some(name) = expression.strip_prefix("vars.") {
            if !self.has_vars {
                return Err(error("`vars` cannot be used here".to_owned()));
            }
            let Some(node) = self.vars.get(name) else {
                return Err(error(format!("there is no variable `{name}` under `vars`"))
                    .with_suggestion(name, self.vars.keys().map(String::as_str)));
            };
            self.unfolded += node.bytes();
            return if self.unfolded > MAX_UNFOLDED { Err(error(too_much())) } else { Ok(node.content.clone()) };
        }
        let end = expression.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(expression.len());
        let (name, operator) = expression.split_at(end);
        if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
            return Err(
                error(format!("`${{{expression}}}` names no variable")).with_help("write `$${` for a plain `${`")
            );
        }
        let value = (self.env)(name);
        let given = value.clone().filter(|value| !value.is_empty());
        let text = if operator.is_empty() {
            value.ok_or_else(|| {
                error(format!("the environment variable `{name}` is not set"))
                    .with_help(format!("set it, or give a default: `${{{name}:-…}}`"))
            })
        } else if let Some(default) = operator.strip_prefix(":-") {
            Ok(given.unwrap_or_else(|| default.to_owned()))
        } else if let Some(message) = operator.strip_prefix(":?") {
            given.ok_or_else(|| {
                let message = if message.is_empty() { "it must be" } else { message };
                error(format!("the environment variable `{name}` is not set: {message}"))
            })
        } else {
            Err(error(format!("`${{{expression}}}` is not understood"))
                .with_help("known forms: `${NAME}`, `${NAME:-default}`, `${NAME:?message}`, `${vars.NAME}`"))
        };
        let text = text?;
        self.unfolded += text.len();
        if self.unfolded > MAX_UNFOLDED { Err(error(too_much())) } else { Ok(Content::Scalar { text, plain: false }) }
    }
}

fn too_much() -> String {
    format!("the variables up to here stand for more than {} MiB", MAX_UNFOLDED >> 20)
}

/// The place of `expression` within `at`, where the text there has it as it is.
fn narrow(source: &Source, at: Place, expression: &str) -> Place {
    let text = source.text(at);
    match text.find(expression).and_then(|start| u32::try_from(start).ok()) {
        Some(start) => {
            let start = at.start + start;
            Place { start, end: start + u32::try_from(expression.len()).unwrap_or(0), ..at }
        }
        None => at,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::Value;
    use serde_json::json;

    use super::*;
    use crate::workflow::document::parse;

    fn env(name: &str) -> Option<String> {
        match name {
            "USER_NAME" => Some("robot".to_owned()),
            "NUMBER" => Some("0123".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        }
    }

    fn interpolate(vars: &str, text: &str, sets: &[(&str, &str)]) -> Result<(Value, Vec<String>), String> {
        let mut source = Source::default();
        let mut read = |name: &str, text: &str| {
            let whole = source.add(Path::new(name), text);
            parse(text, whole).unwrap()
        };
        let (mut vars, mut node) = (read("vars", vars), read("w.yaml", text));
        let mut interpolation = Interpolation::new(&env);
        let sets: Vec<_> = sets.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        if let Content::Mapping(entries) = &mut vars.content {
            interpolation.declare(&source, entries, &sets);
        }
        interpolation.apply(&source, &mut node, false);
        let secrets = interpolation.secrets.iter().map(|secret| secret.reveal().to_owned()).collect();
        if interpolation.diagnostics.is_empty() {
            Ok((node.to_json().0, secrets))
        } else {
            Err(source.report(interpolation.diagnostics).to_string())
        }
    }

    #[test]
    fn each_form_is_replaced() {
        let text = "[$HOME, 'a${USER_NAME}b', '${NUMBER}', '${EMPTY}', '${EMPTY:-x}', '${UNSET:-}', '$${USER_NAME}', '${USER_NAME:?m}']";
        let expected = json!(["$HOME", "arobotb", "0123", "", "x", "", "${USER_NAME}", "robot"]);
        assert_eq!(interpolate("{}", text, &[]).unwrap().0, expected);
    }

    #[test]
    fn a_variable_that_stands_alone_keeps_its_type() {
        let vars = "{n: 5, s: '5', l: [1, 2], e: '${USER_NAME}'}";
        let text = "['${vars.n}', '${vars.s}', '${vars.l}', 'x${vars.n}', '${vars.e}']";
        assert_eq!(interpolate(vars, text, &[]).unwrap().0, json!([5, "5", [1, 2], "x5", "robot"]));
    }

    #[test]
    fn a_set_value_is_read_as_the_declared_one() {
        let sets = [("n", "7"), ("s", "1.10"), ("required", "x"), ("n", "8")];
        let text = "['${vars.n}', '${vars.s}', '${vars.required}']";
        assert_eq!(interpolate("{n: 5, s: '1.9', required: }", text, &sets).unwrap().0, json!([8, "1.10", "x"]));
    }

    #[test]
    fn variables_that_unfold_into_gigabytes_are_refused_once() {
        let long = "x".repeat(1 << 20);
        for vars in [format!("v: {long}\n"), format!("v: [{long}]\n")] {
            let uses = |times: usize| vec!["'${vars.v}'"; times].join(", ");
            assert!(interpolate(&vars, &format!("[{}]", uses(15)), &[]).is_ok());
            let error = interpolate(&vars, &format!("[{}]", uses(50)), &[]).unwrap_err();
            assert!(
                error.starts_with("error: the variables up to here stand for more than 16 MiB\n --> w.yaml:1:"),
                "{error}"
            );
            assert!(error.ends_with("\n1 error, nothing was started"), "{error}");
        }
    }

    #[test]
    fn keys_are_replaced_too() {
        assert_eq!(interpolate("{}", "'${USER_NAME}.io': 1", &[]).unwrap().0, json!({"robot.io": 1}));
    }

    #[test]
    fn values_of_secret_keys_are_remembered() {
        let text =
            "{password: '${NUMBER}', token: {value: literal}, keep: '${USER_NAME}', secret: true, secret-id: 12345}";
        assert_eq!(interpolate("{}", text, &[]).unwrap().1, ["0123", "literal", "12345"]);
    }

    #[test]
    fn what_is_missing_is_told_at_its_place_all_at_once() {
        let text = "a: ${UNSET}/x\nb: x ${vars.regoin}\nc: ${UNSET:?say who}\nd: ${1}\ne: ${USER_NAME\n";
        assert_eq!(
            interpolate("region: x\nempty:\n", text, &[("regio", "y")]).unwrap_err(),
            "\
error: --set regio: the workflow has no variable of that name
 |
 = help: did you mean `region`?

error: the variable `empty` has no value
 --> vars:2:1
  |
2 | empty:
  | ^^^^^
  |
  = help: set it with --set empty=VALUE, or give it a default here

error: the environment variable `UNSET` is not set
 --> w.yaml:1:4
  |
1 | a: ${UNSET}/x
  |    ^^^^^^^^
  |
  = help: set it, or give a default: `${UNSET:-…}`

error: there is no variable `regoin` under `vars`
 --> w.yaml:2:6
  |
2 | b: x ${vars.regoin}
  |      ^^^^^^^^^^^^^^
  |
  = help: did you mean `region`?

error: the environment variable `UNSET` is not set: say who
 --> w.yaml:3:4
  |
3 | c: ${UNSET:?say who}
  |    ^^^^^^^^^^^^^^^^^

error: `${1}` names no variable
 --> w.yaml:4:4
  |
4 | d: ${1}
  |    ^^^^
  |
  = help: write `$${` for a plain `${`

error: `${` has no `}`
 --> w.yaml:5:4
  |
5 | e: ${USER_NAME
  |    ^^^^^^^^^^^
  |
  = help: write `$${` for a plain `${`

7 errors, nothing was started"
        );
    }

    #[test]
    fn a_list_within_a_text_is_refused() {
        let error = interpolate("{l: [1]}", "'x${vars.l}'", &[]).unwrap_err();
        assert!(error.contains("`${vars.l}` is a list or a mapping and can only stand alone"), "{error}");
    }
}
