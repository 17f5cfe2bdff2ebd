//! Typed readers over the tree. Each notes what is wrong and goes on, so that one look at a file tells everything.

use std::fmt::Display;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::path::PathBuf;
use std::str::FromStr;

use serde_json::Value;

use crate::workflow::Diagnostic;
use crate::workflow::Place;
use crate::workflow::Source;
use crate::workflow::document::parse;
use crate::workflow::interpolate::Interpolation;
use crate::workflow::node::Content;
use crate::workflow::node::Entry;
use crate::workflow::node::Node;
use crate::workflow::node::json_scalar;

/// Reads nodes and collects errors.
pub(super) struct Reader<'a, 'e> {
    /// The texts; `$file` adds to them.
    pub(super) source: &'a mut Source,
    /// Variables, for files that come in by `$file`.
    pub(super) interpolation: &'a mut Interpolation<'e>,
    /// What relative paths are relative to.
    pub(super) base: PathBuf,
    /// Errors so far.
    pub(super) diagnostics: Vec<Diagnostic>,
}

/// The pairs of a mapping whose keys are known.
#[derive(Clone, Copy)]
pub(super) struct Fields<'n> {
    entries: &'n [Entry],
    /// The mapping.
    pub(super) at: Place,
}

impl<'n> Fields<'n> {
    /// The value of `key`, unless there is none or it is null.
    pub(super) fn get(&self, key: &str) -> Option<&'n Node> {
        self.entry(key).map(|entry| &entry.value).filter(|value| !value.is_null())
    }

    /// Where `key` stands; the mapping, where it does not.
    pub(super) fn key_at(&self, key: &str) -> Place {
        self.entry(key).map_or(self.at, |entry| entry.key_at)
    }

    fn entry(&self, key: &str) -> Option<&'n Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }
}

impl Reader<'_, '_> {
    /// Notes an error.
    pub(super) fn error(&mut self, at: Place, message: impl Into<String>) {
        self.diagnostics.push(Diagnostic::new(at, message));
    }

    /// Notes an error with advice.
    pub(super) fn error_with_help(&mut self, at: Place, message: impl Into<String>, help: impl Into<String>) {
        self.diagnostics.push(Diagnostic::new(at, message).with_help(help));
    }

    /// A mapping that may have these keys only. `what` is said of it in errors.
    pub(super) fn fields<'n>(&mut self, node: &'n Node, what: &str, keys: &[&str]) -> Option<Fields<'n>> {
        let entries = self.entries(node, what)?;
        for entry in entries.iter().filter(|entry| !keys.contains(&entry.key.as_str())) {
            let mut diagnostic = Diagnostic::new(entry.key_at, format!("{what} has no key `{}`", entry.key))
                .with_suggestion(&entry.key, keys.iter().copied());
            if diagnostic.help.is_none() {
                diagnostic.help = Some(format!("its keys are {}", listed(keys)));
            }
            self.diagnostics.push(diagnostic);
        }
        Some(Fields { entries, at: node.at })
    }

    /// A mapping of any keys.
    pub(super) fn entries<'n>(&mut self, node: &'n Node, what: &str) -> Option<&'n [Entry]> {
        match &node.content {
            Content::Mapping(entries) => Some(entries),
            Content::Wrong => None,
            _ => {
                self.error(node.at, format!("{what} must be a mapping, not {}", node.kind()));
                None
            }
        }
    }

    /// A list.
    pub(super) fn items<'n>(&mut self, node: &'n Node, what: &str) -> &'n [Node] {
        match &node.content {
            Content::Sequence(items) => items,
            Content::Wrong => &[],
            _ => {
                self.error(node.at, format!("{what} must be a list, not {}", node.kind()));
                &[]
            }
        }
    }

    /// A list, or one item that stands for a list of it.
    pub(super) fn one_or_many(node: &Node) -> &[Node] {
        match &node.content {
            Content::Sequence(items) => items,
            Content::Wrong => &[],
            _ => std::slice::from_ref(node),
        }
    }

    /// A text that is not empty. Numbers are texts too.
    pub(super) fn text<'n>(&mut self, node: &'n Node, what: &str) -> Option<&'n str> {
        match &node.content {
            Content::Scalar { text, plain } if !matches!(json_scalar(text, *plain), Value::Null | Value::Bool(_)) => {
                if text.is_empty() {
                    self.error(node.at, format!("{what} must not be empty"));
                    return None;
                }
                Some(text)
            }
            Content::Wrong => None,
            _ => {
                self.error(node.at, format!("{what} must be a string, not {}", node.kind()));
                None
            }
        }
    }

    /// A text that means something.
    pub(super) fn parse<T>(&mut self, node: &Node, what: &str) -> Option<T>
    where
        T: FromStr,
        T::Err: Display,
    {
        self.convert(node, what, str::parse)
    }

    /// A text that `convert` understands.
    pub(super) fn convert<T, E: Display>(
        &mut self,
        node: &Node,
        what: &str,
        convert: impl Fn(&str) -> Result<T, E>,
    ) -> Option<T> {
        let text = self.text(node, what)?;
        convert(text).map_err(|error| self.error(node.at, error.to_string())).ok()
    }

    /// A whole number; `${ENV}` may have given it as a text. `T` limits it: `NonZeroU32` is one or more.
    pub(super) fn number<T: FromStr>(&mut self, node: &Node, what: &str, expected: &str) -> Option<T> {
        match &node.content {
            Content::Wrong => None,
            Content::Scalar { text, .. } if text.parse::<T>().is_ok() => text.parse().ok(),
            Content::Scalar { text, .. } => {
                self.error(node.at, format!("{what} must be {expected}, not `{text}`"));
                None
            }
            _ => {
                self.error(node.at, format!("{what} must be {expected}, not {}", node.kind()));
                None
            }
        }
    }

    /// `true` or `false`; false where there is nothing.
    pub(super) fn flag(&mut self, node: Option<&Node>, what: &str) -> bool {
        match node.map(|node| (&node.content, node)) {
            None | Some((Content::Wrong, _)) => false,
            Some((Content::Scalar { text, .. }, _)) if json_scalar(text, true) == Value::Bool(true) => true,
            Some((Content::Scalar { text, .. }, _)) if json_scalar(text, true) == Value::Bool(false) => false,
            Some((_, node)) => {
                self.error(node.at, format!("{what} must be true or false, not {}", node.kind()));
                false
            }
        }
    }

    /// One of these words.
    pub(super) fn word<T: Copy>(&mut self, node: &Node, what: &str, words: &[(&str, T)]) -> Option<T> {
        let text = self.text(node, what)?;
        let known = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        if known.is_none() {
            let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            self.diagnostics.push(
                Diagnostic::new(node.at, format!("{what} must be one of {}, not `{text}`", listed(&names)))
                    .with_suggestion(text, names),
            );
        }
        known
    }

    /// A path, relative to the file's directory; `is_there` says whether it will do.
    pub(super) fn path(&mut self, node: &Node, what: &str, is_there: fn(&Path) -> bool) -> Option<PathBuf> {
        let path = resolve(&self.base.clone(), Path::new(self.text(node, what)?));
        if !is_there(&path) {
            let problem = if path.exists() { "is not what is expected here" } else { "does not exist" };
            self.error(node.at, format!("{what}: {} {problem}", path.display()));
            return None;
        }
        Some(path)
    }

    /// Replaces each `{$file: PATH}` in `node` by what that file holds.
    pub(super) fn include(&mut self, node: &mut Node) {
        match &mut node.content {
            Content::Scalar { .. } | Content::Wrong => {}
            Content::Sequence(items) => items.iter_mut().for_each(|item| self.include(item)),
            Content::Mapping(entries) => match entries.as_slice() {
                [entry] if entry.key == "$file" => {
                    let included = self.file(&entry.value);
                    *node = included.unwrap_or(Node { at: node.at, content: Content::Wrong });
                }
                _ => entries.iter_mut().for_each(|entry| self.include(&mut entry.value)),
            },
        }
    }

    /// The tree of the file that `node` names, without files of its own.
    fn file(&mut self, node: &Node) -> Option<Node> {
        let path = resolve(&self.base.clone(), Path::new(self.text(node, "$file")?));
        let text = read(&path).map_err(|problem| self.error(node.at, format!("{}: {problem}", path.display()))).ok()?;
        let whole = self.source.add(&path, &text);
        match parse(&text, whole) {
            Ok(mut tree) => {
                self.interpolation.apply(self.source, &mut tree, false);
                Some(tree)
            }
            Err(diagnostics) => {
                self.diagnostics.extend(diagnostics);
                None
            }
        }
    }
}

/// `path`, taken from `base` where it is relative.
pub(super) fn resolve(base: &Path, path: &Path) -> PathBuf {
    if base == Path::new(".") { path.to_owned() } else { base.join(path) }
}

/// A file's text, without a byte order mark.
pub(super) fn read(path: &Path) -> Result<String, String> {
    let mut bytes = Vec::new();
    // What a device or a pipe holds is not known before it is read.
    let file = File::open(path).map_err(|error| describe(&error))?;
    file.take(Source::MAX_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(|error| describe(&error))?;
    if bytes.len() > Source::MAX_BYTES {
        return Err(format!("the file is larger than {} MiB", Source::MAX_BYTES >> 20));
    }
    let text = String::from_utf8(bytes)
        .map_err(|error| format!("the file is not UTF-8 (byte {})", error.utf8_error().valid_up_to()))?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

fn describe(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "no such file".to_owned(),
        std::io::ErrorKind::PermissionDenied => "no permission to read it".to_owned(),
        std::io::ErrorKind::IsADirectory => "this is a directory".to_owned(),
        _ => error.to_string(),
    }
}

/// `` `a`, `b` and `c` ``.
fn listed(words: &[&str]) -> String {
    let quoted: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
