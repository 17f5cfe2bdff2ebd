//! The files of `--report`, each in the form that its name asks for.

use std::io;
use std::path::Path;

use crate::report::Event;
use crate::report::Summary;
use crate::report::figures::Figures;
use crate::report::html::HtmlReport;
use crate::report::json::JsonReport;
use crate::report::junit::JunitReport;

/// One file of `--report`.
pub(super) enum ReportFile {
    /// `.html`, `.htm`: a page for people.
    Html(Box<HtmlReport>),
    /// `.xml`: test cases of JUnit, for CI systems.
    Junit(Box<JunitReport>),
    /// Anything else: JSON, for scripts.
    Json(Box<JsonReport>),
}

impl ReportFile {
    /// Begins a file of the form that the name of `path` asks for.
    pub(super) fn create(path: &Path, figures: &Figures) -> io::Result<Self> {
        let extension = path.extension().and_then(|it| it.to_str()).unwrap_or_default().to_ascii_lowercase();
        match extension.as_str() {
            "html" | "htm" => HtmlReport::create(path).map(Box::new).map(Self::Html),
            "xml" => JunitReport::create(path, figures).map(Box::new).map(Self::Junit),
            _ => JsonReport::create(path, figures).map(Box::new).map(Self::Json),
        }
    }

    /// Notes what `event` tells.
    pub(super) fn take(&mut self, event: &Event) -> io::Result<()> {
        match self {
            Self::Html(file) => {
                file.take(event);
                Ok(())
            }
            Self::Junit(file) => file.take(event),
            Self::Json(file) => file.take(event),
        }
    }

    /// Writes the end and gives the file its name.
    pub(super) fn finish(self, summary: &Summary, figures: &Figures) -> io::Result<()> {
        match self {
            Self::Html(file) => file.finish(summary, figures),
            Self::Junit(file) => file.finish(figures),
            Self::Json(file) => file.finish(summary, figures),
        }
    }
}
