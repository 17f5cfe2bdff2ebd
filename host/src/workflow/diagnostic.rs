//! What is wrong with a file, shown at its line.

use std::fmt;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use annotate_snippets::AnnotationKind;
use annotate_snippets::Group;
use annotate_snippets::Level;
use annotate_snippets::Renderer;
use annotate_snippets::Snippet;
use annotate_snippets::renderer::DecorStyle;

use crate::secret::Redactor;
use crate::secret::Secret;
use crate::workflow::Place;
use crate::workflow::Plan;
use crate::workflow::secrecy::blot;
use crate::workflow::secrecy::blot_all;

/// The texts that a plan was read from, kept so that whoever finds an error later (a plugin's schema, an unknown plugin)
/// can show it at its line. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Source {
    files: Vec<Arc<File>>,
    redactor: Arc<Redactor>,
}

#[derive(Debug)]
struct File {
    name: PathBuf,
    /// With the passwords blotted out, byte for byte: an error may show the line that has one.
    text: String,
}

/// One error, with its place and, where there is one, advice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Where.
    pub place: Place,
    /// What is wrong: a lowercase fragment without a full stop.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

/// Everything that is wrong, in the order of the files' lines. `Display` shows it whole, without colour.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The texts.
    pub source: Source,
    /// The errors; never empty where a report is an `Err`.
    pub diagnostics: Vec<Diagnostic>,
    /// What of the plan could be read all the same, so that whoever knows more (the plugins their options) can add to the errors.
    pub partial: Option<Box<Plan>>,
}

impl Diagnostic {
    /// An error at `place`.
    #[must_use]
    pub fn new(place: Place, message: impl Into<String>) -> Self {
        Self { place, message: message.into(), help: None }
    }

    /// What to sort by: the order of the files and their lines.
    #[must_use]
    pub fn order(&self) -> (u32, u32) {
        (self.place.file, self.place.start)
    }

    /// The same with advice.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The same with "did you mean" for the one of `known` that is near `given`, if any is.
    #[must_use]
    pub fn with_suggestion<'a>(mut self, given: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        if let Some(near) = nearest(given, known) {
            self.help = Some(format!("did you mean `{near}`?"));
        }
        self
    }
}

impl Source {
    /// No more than this of a file is read.
    pub const MAX_BYTES: usize = 16 << 20;

    /// Adds a file; the place is the whole of it.
    pub(super) fn add(&mut self, name: &Path, text: &str) -> Place {
        self.push(name, blot(text))
    }

    /// Adds a file of another tool, in which `${` is not what it is in a workflow.
    pub(super) fn add_foreign(&mut self, name: &Path, text: &str) -> Place {
        self.push(name, blot_all(text))
    }

    fn push(&mut self, name: &Path, text: String) -> Place {
        let end = u32::try_from(text.len()).unwrap_or(u32::MAX);
        self.files.push(Arc::new(File { name: name.to_owned(), text }));
        Place { file: u32::try_from(self.files.len()).unwrap_or(0), start: 0, end }
    }

    /// Strikes `secrets` from the messages of every later report.
    pub(super) fn redact(&mut self, secrets: &[Secret]) {
        self.redactor = Arc::new(Redactor::new(secrets.iter().cloned()));
    }

    /// The text at `place`, without its passwords.
    #[must_use]
    pub fn text(&self, place: Place) -> &str {
        self.file(place).and_then(|file| file.text.get(place.range())).unwrap_or_default()
    }

    /// The report of `diagnostics` in these files.
    #[must_use]
    pub fn report(&self, mut diagnostics: Vec<Diagnostic>) -> Report {
        diagnostics.sort_by_key(Diagnostic::order);
        diagnostics.dedup();
        for diagnostic in &mut diagnostics {
            diagnostic.message = self.redactor.strike(&diagnostic.message);
        }
        Report { source: self.clone(), diagnostics, partial: None }
    }

    /// `file:line:column` of where `place` begins; none if it is in no file.
    #[must_use]
    pub fn position(&self, place: Place) -> Option<String> {
        let file = self.file(place)?;
        let before = file.text.get(..place.range().start)?;
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        Some(format!("{}:{line}:{column}", file.name.display()))
    }

    fn file(&self, place: Place) -> Option<&File> {
        self.files.get((place.file as usize).checked_sub(1)?).map(AsRef::as_ref)
    }
}

impl Report {
    /// Each error with its line and a caret, and a last line that counts them.
    #[must_use]
    pub fn render(&self, colour: bool) -> String {
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        let renderer = renderer.decor_style(DecorStyle::Ascii);
        let mut text = String::new();
        for diagnostic in &self.diagnostics {
            text.push_str(&self.render_one(&renderer, diagnostic));
            text.push_str("\n\n");
        }
        let counted = match self.diagnostics.len() {
            1 => "1 error".to_owned(),
            errors => format!("{errors} errors"),
        };
        text + &counted + ", nothing was started"
    }

    fn render_one(&self, renderer: &Renderer, diagnostic: &Diagnostic) -> String {
        let mut group = Group::with_title(Level::ERROR.primary_title(&diagnostic.message));
        let name;
        if let Some(file) = self.source.file(diagnostic.place) {
            name = file.name.display().to_string();
            let range = visible(&file.text, diagnostic.place);
            group =
                group.element(Snippet::source(&file.text).path(&name).annotation(AnnotationKind::Primary.span(range)));
        }
        if let Some(help) = &diagnostic.help {
            group = group.element(Level::HELP.message(help));
        }
        renderer.render(&[group])
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Report {}

/// The first line of `place`, without white space at its end: a caret under one line says more than a bracket round twenty.
fn visible(text: &str, place: Place) -> std::ops::Range<usize> {
    let range = place.range();
    let (start, end) = (range.start.min(text.len()), range.end.min(text.len()));
    let inside = text.get(start..end).unwrap_or_default();
    start..start + inside.lines().next().unwrap_or_default().trim_end().len()
}

/// The one of `known` that `given` was probably meant to be.
#[must_use]
pub fn nearest<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = given.to_lowercase();
    let limit = (given.chars().count() / 3).clamp(1, 3);
    known
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&lower, &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_shown_at_its_line_with_advice() {
        let mut source = Source::default();
        let whole = source.add(Path::new("w.yaml"), "version: 1\ntransferz: []\n");
        let place = Place { start: 11, end: 20, ..whole };
        let report = source.report(vec![
            Diagnostic::new(place, "unknown key `transferz`").with_suggestion("transferz", ["version", "transfers"]),
        ]);
        assert_eq!(
            report.to_string(),
            "\
error: unknown key `transferz`
 --> w.yaml:2:1
  |
2 | transferz: []
  | ^^^^^^^^^
  |
  = help: did you mean `transfers`?

1 error, nothing was started"
        );
    }

    #[test]
    fn an_error_without_a_place_is_a_line() {
        let report = Source::default().report(vec![Diagnostic::new(Place::default(), "no such file")]);
        assert_eq!(report.to_string(), "error: no such file\n\n1 error, nothing was started");
    }

    #[test]
    fn what_is_far_is_not_suggested() {
        assert_eq!(nearest("plugn", ["plugin", "with"]), Some("plugin"));
        assert_eq!(nearest("colour", ["plugin", "with"]), None);
        assert_eq!(nearest("ns", ["as", "plugin"]), Some("as"));
    }
}
