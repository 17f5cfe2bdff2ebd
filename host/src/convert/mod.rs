//! Configurations of other tools, as workflow files.
//!
//! ```text
//! files -> trees with places -> Format -> a peer's module -> Draft -> the workflow's text, and notes
//! ```
//!
//! Nothing is left out in silence: a mapping is read through [`fields::Fields`], which knows what nobody asked for, and each of those keys
//! becomes a note with its place. What is written holds no secret: a password is a variable of the environment.

mod credentials;
mod draft;
mod dregsy;
mod fields;
mod format;
mod names;
mod ocync;
mod patterns;
mod ranges;
mod reading;
mod regsync;
mod rules;
mod skopeo;
mod tags;
mod variables;

use std::path::PathBuf;

use crate::convert::reading::Reading;
use crate::workflow::Diagnostic;
use crate::workflow::Place;
use crate::workflow::Report;
use crate::workflow::Source;
use crate::workflow::tree;
use crate::workflow::tree::Node;

pub use format::Format;

/// What is to be converted.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The files of one tool: one, or its rules and its logins.
    pub files: Vec<PathBuf>,
    /// Whose they are; none: it shows in them.
    pub from: Option<Format>,
    /// `HOST[:PORT][/NAMESPACE]` of targets that the files do not name.
    pub to: Option<String>,
    /// `skopeo sync --scoped`: the target's name begins with the source's registry.
    pub scoped: bool,
}

/// What came out.
#[derive(Clone, Debug)]
pub struct Converted {
    /// Whose files they were.
    pub format: Format,
    /// The text of the workflow file.
    pub workflow: String,
    /// What is not in it, or is not what it was: a line each, with its place.
    pub notes: Vec<String>,
}

/// Reads the files and writes the workflow, or tells all that is wrong with them.
pub fn convert(request: &Request) -> Result<Converted, Report> {
    let mut source = Source::default();
    let mut roots = Vec::new();
    let mut errors = Vec::new();
    for path in &request.files {
        match tree::read_foreign(&mut source, path) {
            Ok(root) => roots.push((path.clone(), root)),
            Err(mut problems) => errors.append(&mut problems),
        }
    }
    if errors.is_empty() { from_trees(&source, &roots, request) } else { Err(source.report(errors)) }
}

/// The same for files that have been read.
fn from_trees(source: &Source, roots: &[(PathBuf, Node)], request: &Request) -> Result<Converted, Report> {
    let format = match request.from {
        Some(format) => format,
        None => format::detect(roots).map_err(|error| source.report(vec![error]))?,
    };
    let mut reading = Reading::new(format);
    for (_, root) in roots {
        match format {
            Format::ImageTransfer | Format::ImageSyncer => rules::read(&mut reading, root, format, request),
            Format::Regsync => regsync::read(&mut reading, root),
            Format::Skopeo => skopeo::read(&mut reading, root, request),
            Format::Dregsy => dregsy::read(&mut reading, root),
            Format::Ocync => ocync::read(&mut reading, root),
        }
    }
    if reading.draft.is_empty() && reading.errors.is_empty() {
        reading.errors.push(nothing(&reading.notes, source));
    }
    if !reading.errors.is_empty() {
        return Err(source.report(reading.errors));
    }
    let names: Vec<String> = request.files.iter().map(|path| path.display().to_string()).collect();
    let mut notes = reading.notes;
    notes.sort_by_key(Diagnostic::order);
    notes.dedup();
    let notes: Vec<String> = notes.iter().map(|note| line(note, source)).collect();
    let workflow = reading.draft.render(&names.join(", "), format, &notes);
    Ok(Converted { format, workflow, notes })
}

/// No transfer came out: what was noted says why.
fn nothing(notes: &[Diagnostic], source: &Source) -> Diagnostic {
    let error = Diagnostic::new(Place::default(), "nothing in it can be carried over");
    let lines: Vec<String> = notes.iter().map(|note| line(note, source)).collect();
    if lines.is_empty() { error.with_help("it names no image") } else { error.with_help(lines.join("\n")) }
}

/// `file:line:column: message`, on one line whatever the file has in it.
fn line(note: &Diagnostic, source: &Source) -> String {
    let message = match &note.help {
        Some(help) => format!("{}: {help}", note.message),
        None => note.message.clone(),
    };
    let text = match source.position(note.place) {
        Some(position) => format!("{position}: {message}"),
        None => message,
    };
    let plain = |c: char| {
        !c.is_control() && !matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().map(|c| if plain(c) { c.to_string() } else { c.escape_debug().to_string() }).collect()
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
