//! Typed readers over a foreign file: what is wrong is an error, what is left out a note.

use crate::convert::Format;
use crate::convert::draft::Draft;
use crate::convert::fields::Fields;
use crate::convert::variables::Variables;
use crate::workflow::Diagnostic;
use crate::workflow::Place;
use crate::workflow::tree::Content;
use crate::workflow::tree::Node;

/// A conversion under way.
pub(super) struct Reading {
    /// How texts refer to the environment.
    variables: Variables,
    /// Whether keys that begin with `x-` are nothing to the tool itself.
    extensions: bool,
    /// What has come out so far.
    pub(super) draft: Draft,
    /// What is not carried over, or not as it was.
    pub(super) notes: Vec<Diagnostic>,
    /// What the tool itself would not accept.
    pub(super) errors: Vec<Diagnostic>,
}

impl Reading {
    pub(super) fn new(format: Format) -> Self {
        let (variables, extensions) = (format.variables(), format == Format::Regsync);
        Self { variables, extensions, draft: Draft::default(), notes: Vec::new(), errors: Vec::new() }
    }

    /// Notes what is not carried over, or not as it was.
    pub(super) fn note(&mut self, at: Place, message: impl Into<String>) {
        self.notes.push(Diagnostic::new(at, message));
    }

    /// Notes what is wrong.
    pub(super) fn error(&mut self, at: Place, message: impl Into<String>) {
        self.errors.push(Diagnostic::new(at, message));
    }

    /// Notes each key that nobody asked for. `reasons` has those that are known, with what to do instead.
    pub(super) fn rest(&mut self, fields: Fields<'_>, reasons: &[(&str, &str)]) {
        let extensions = self.extensions;
        for entry in fields.rest().filter(|entry| !(extensions && entry.key.starts_with("x-"))) {
            let note = match reasons.iter().find(|(key, _)| *key == entry.key) {
                Some((key, reason)) => Diagnostic::new(entry.key_at, format!("`{key}` is left out")).with_help(*reason),
                None => Diagnostic::new(entry.key_at, format!("`{}` is not known here and is left out", entry.key)),
            };
            self.notes.push(note);
        }
    }

    /// A mapping. `what` is said of it in errors.
    pub(super) fn mapping<'n>(&mut self, node: &'n Node, what: &str) -> Option<Fields<'n>> {
        let Content::Mapping(entries) = &node.content else {
            self.error(node.at, format!("{what} must be a mapping, not {}", node.kind()));
            return None;
        };
        Some(Fields::new(entries))
    }

    /// A list; nothing where there is none.
    pub(super) fn items<'n>(&mut self, node: Option<&'n Node>, what: &str) -> &'n [Node] {
        match node.map(|node| (&node.content, node)) {
            None => &[],
            Some((Content::Sequence(items), _)) => items,
            Some((_, node)) => {
                self.error(node.at, format!("{what} must be a list, not {}", node.kind()));
                &[]
            }
        }
    }

    /// A list of texts, or one text that stands for a list of it.
    pub(super) fn texts(&mut self, node: Option<&Node>, what: &str) -> Vec<(String, Place)> {
        let nodes = match node.map(|node| (&node.content, node)) {
            None => &[],
            Some((Content::Sequence(items), _)) => items.as_slice(),
            Some((_, node)) => std::slice::from_ref(node),
        };
        nodes.iter().filter_map(|node| Some((self.text(node, what)?, node.at))).collect()
    }

    /// A text as a workflow file would have it: references to the environment are `${NAME}`, and nothing else is.
    pub(super) fn text(&mut self, node: &Node, what: &str) -> Option<String> {
        self.text_or(node, what, what)
    }

    /// The same; where it cannot be said, `lost` is what goes with it.
    pub(super) fn text_or(&mut self, node: &Node, what: &str, lost: &str) -> Option<String> {
        let text = self.raw(node, what)?;
        match self.variables.read(text) {
            Ok(text) => Some(text),
            Err(template) => {
                self.note(node.at, format!("{lost} is left out: there is nothing like the template `{template}`"));
                None
            }
        }
    }

    /// A text as it stands there; it may be empty.
    pub(super) fn raw<'n>(&mut self, node: &'n Node, what: &str) -> Option<&'n str> {
        let Content::Scalar { text, .. } = &node.content else {
            self.error(node.at, format!("{what} must be a text, not {}", node.kind()));
            return None;
        };
        Some(text)
    }

    /// `true` or `false`; none where there is nothing.
    pub(super) fn flag(&mut self, node: Option<&Node>, what: &str) -> Option<bool> {
        let node = node?;
        match self.raw(node, what)? {
            "true" | "True" | "TRUE" | "yes" | "on" => Some(true),
            "false" | "False" | "FALSE" | "no" | "off" => Some(false),
            _ => {
                self.error(node.at, format!("{what} must be true or false, not {}", node.kind()));
                None
            }
        }
    }

    /// A whole number, one or more; 0 and less are none, as these tools have it.
    pub(super) fn count(&mut self, node: Option<&Node>, what: &str) -> Option<usize> {
        let node = node?;
        let text = self.raw(node, what)?;
        let Ok(number) = text.parse::<i64>() else {
            self.error(node.at, format!("{what} must be a whole number, not {}", node.kind()));
            return None;
        };
        usize::try_from(number).ok().filter(|number| *number > 0)
    }
}
