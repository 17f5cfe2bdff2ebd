//! The workflow file that comes out.

use std::fmt::Write as _;

use serde_json::Map;
use serde_json::Value;

use crate::convert::Format;
use crate::convert::names::Name;
use crate::convert::tags::Tags;

/// What has been carried over so far.
#[derive(Default)]
pub(super) struct Draft {
    registries: Vec<(String, Map<String, Value>)>,
    limits: Map<String, Value>,
    transfers: Vec<Transfer>,
    /// Variables of the environment, with what they are for.
    variables: Vec<(String, String)>,
    /// Secrets that have a variable, so that the same one gets the same name.
    secrets: Vec<(String, String)>,
}

/// Images of one repository and where they go.
#[derive(Clone, Default)]
pub(super) struct Copy {
    /// A name for the transfer that it becomes part of; what has the same may be in one.
    pub(super) group: Option<String>,
    /// `select` besides the tags.
    pub(super) select: Map<String, Value>,
    /// `to`, where rules do not say everything.
    pub(super) to: Map<String, Value>,
}

/// What makes a transfer, besides its images.
struct Transfer {
    group: Option<String>,
    from: From,
    select: Map<String, Value>,
    map: Vec<Value>,
    to: Value,
}

enum From {
    /// Rules, and options of the plugin besides them.
    Rules(Map<String, Value>, Map<String, Value>),
    /// Options of the plugin `catalog`.
    Catalog(Map<String, Value>),
}

impl Draft {
    /// Whether nothing would be moved.
    pub(super) fn is_empty(&self) -> bool {
        self.transfers.is_empty()
    }

    /// The settings of a registry.
    pub(super) fn registry(&mut self, key: &str) -> &mut Map<String, Value> {
        let at = self.registries.iter().position(|(other, _)| other == key).unwrap_or_else(|| {
            self.registries.push((key.to_owned(), Map::new()));
            self.registries.len() - 1
        });
        &mut self.registries[at].1
    }

    /// A key of `limits`.
    pub(super) fn limit(&mut self, key: &str, value: impl Into<Value>) {
        self.limits.insert(key.to_owned(), value.into());
    }

    /// A variable that must be set.
    pub(super) fn variable(&mut self, name: &str, what: &str) {
        if !self.variables.iter().any(|(other, _)| other == name) {
            self.variables.push((name.to_owned(), what.to_owned()));
        }
    }

    /// The name of the variable that holds `secret` of `key`: in capitals, with a number where it is taken by another one.
    pub(super) fn secret(&mut self, prefix: &str, key: &str, secret: &str) -> String {
        let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
        let base: String = format!("{prefix}_{key}").chars().map(plain).collect();
        let mut number = 1;
        loop {
            let name = if number == 1 { base.clone() } else { format!("{base}_{number}") };
            match self.secrets.iter().find(|(other, _)| *other == name) {
                Some((_, other)) if other == secret => return name,
                Some(_) => number += 1,
                None => {
                    self.secrets.push((name.clone(), secret.to_owned()));
                    self.variable(&name, &format!("of {key}"));
                    return name;
                }
            }
        }
    }

    /// One repository's images by rules, each choice of tags for itself.
    pub(super) fn copy(&mut self, copy: &Copy, source: &Name, targets: &[Name], choices: &[Tags]) {
        for tags in choices {
            let mut select = copy.select.clone();
            let chosen = tags.select();
            if !chosen.is_empty() {
                select.insert("tags".to_owned(), chosen.into());
            }
            let targets: Vec<String> = targets.iter().map(|target| target.with(&target.version)).collect();
            self.rule(copy, select, source.with(&tags.version()), targets);
        }
    }

    /// A rule as it is written.
    pub(super) fn rule(&mut self, copy: &Copy, select: Map<String, Value>, source: String, targets: Vec<String>) {
        let group = copy.group.as_ref();
        let same = |transfer: &&mut Transfer| {
            transfer.group.as_ref() == group && transfer.select == select && transfer.to == Value::from(copy.to.clone())
        };
        let rules = self.transfers.iter_mut().filter(same).find_map(|transfer| match &mut transfer.from {
            From::Rules(rules, _) => Some(rules),
            From::Catalog(_) => None,
        });
        let Some(rules) = rules else {
            let rules = Map::from_iter([(source, one_or_many(targets))]);
            let from = From::Rules(rules, Map::new());
            self.add(copy, from, select, Vec::new());
            return;
        };
        let mut all: Vec<String> = match rules.get(&source) {
            Some(Value::Array(targets)) => targets.iter().filter_map(|it| it.as_str().map(str::to_owned)).collect(),
            Some(Value::String(target)) => vec![target.clone()],
            _ => Vec::new(),
        };
        for target in targets {
            if !all.contains(&target) {
                all.push(target);
            }
        }
        rules.insert(source, one_or_many(all));
    }

    /// Rules as they are, with what fills their gaps.
    pub(super) fn rules(&mut self, rules: Map<String, Value>, options: Map<String, Value>, copy: &Copy) {
        self.add(copy, From::Rules(rules, options), copy.select.clone(), Vec::new());
    }

    /// All of a registry that is selected.
    pub(super) fn catalog(&mut self, copy: &Copy, options: &Map<String, Value>, choices: &[Tags], map: &[Value]) {
        for tags in choices {
            let mut select = copy.select.clone();
            let chosen = tags.select();
            if !chosen.is_empty() {
                select.insert("tags".to_owned(), chosen.into());
            }
            self.add(copy, From::Catalog(options.clone()), select, map.to_vec());
        }
    }

    fn add(&mut self, copy: &Copy, from: From, select: Map<String, Value>, map: Vec<Value>) {
        let to = copy.to.clone().into();
        self.transfers.push(Transfer { group: copy.group.clone(), from, select, map, to });
    }

    /// The text of the file.
    pub(super) fn render(self, files: &str, format: Format, notes: &[String]) -> String {
        let mut text = format!("# Made by `image-transfer convert` from {} ({format}).\n", comment(files));
        if !self.variables.is_empty() {
            text.push_str("#\n# Set these in the environment before running it:\n");
            for (name, what) in &self.variables {
                // Writing to a string cannot fail.
                let _ = writeln!(text, "#   {name}  {}", comment(what));
            }
        }
        if !notes.is_empty() {
            text.push_str("#\n# What is not as it was:\n");
            for note in notes {
                let _ = writeln!(text, "#   {}", comment(note));
            }
        }
        text.push('\n');
        // A tree of strings, numbers and lists always serializes.
        text + &serde_yaml::to_string(&self.tree()).unwrap_or_default()
    }

    fn tree(self) -> Value {
        let mut root = Map::new();
        root.insert("version".to_owned(), 1.into());
        let registries: Map<String, Value> = self
            .registries
            .into_iter()
            .map(|(key, mut settings)| {
                if settings.is_empty() {
                    // An entry without settings is refused; this is the default, said aloud.
                    settings.insert("insecure".to_owned(), false.into());
                }
                (key, settings.into())
            })
            .collect();
        for (key, value) in [("registries", registries), ("limits", self.limits)] {
            if !value.is_empty() {
                root.insert(key.to_owned(), value.into());
            }
        }
        let mut names = Vec::new();
        let transfers: Vec<Value> = self.transfers.into_iter().map(|transfer| transfer.tree(&mut names)).collect();
        root.insert("transfers".to_owned(), transfers.into());
        root.into()
    }
}

impl Transfer {
    /// Its tree. `names` are those that are taken.
    fn tree(self, names: &mut Vec<String>) -> Value {
        let mut object = Map::new();
        if let Some(group) = self.group {
            let (mut name, mut number) = (group.clone(), 1);
            while names.contains(&name) {
                number += 1;
                name = format!("{group}-{number}");
            }
            names.push(name.clone());
            object.insert("name".to_owned(), name.into());
        }
        let (plugin, with) = match self.from {
            From::Rules(rules, options) => {
                ("rules", Map::from_iter([("rules".to_owned(), rules.into())]).into_iter().chain(options).collect())
            }
            From::Catalog(options) => ("catalog", options),
        };
        let from = Map::from_iter([("plugin".to_owned(), plugin.into()), ("with".to_owned(), Value::Object(with))]);
        object.insert("from".to_owned(), from.into());
        if !self.select.is_empty() {
            object.insert("select".to_owned(), self.select.into());
        }
        if !self.map.is_empty() {
            object.insert("map".to_owned(), self.map.into());
        }
        if self.to.as_object().is_some_and(|to| !to.is_empty()) {
            object.insert("to".to_owned(), self.to);
        }
        object.into()
    }
}

/// One target is a text, several are a list.
fn one_or_many(mut targets: Vec<String>) -> Value {
    if targets.len() == 1 { targets.remove(0).into() } else { targets.into() }
}

/// `text` on one line of comment, whatever is in it.
fn comment(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
