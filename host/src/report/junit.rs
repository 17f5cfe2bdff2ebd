//! The report for CI systems: JUnit's XML, one test case an image.

use std::io;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

use quick_xml::Writer;
use quick_xml::events::BytesEnd;
use quick_xml::events::BytesStart;
use quick_xml::events::BytesText;
use quick_xml::events::Event as Xml;
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

use crate::report::Event;
use crate::report::advice;
use crate::report::beside::Beside;
use crate::report::beside::Spool;
use crate::report::figures::Figures;
use crate::report::row;
use crate::transfer::Failure;
use crate::transfer::Outcome;
use crate::transfer::Status;

/// Without a time zone, as the form asks for.
const TIME: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]");

/// Writes the cases as they come, into a file without a name, since their numbers stand before them. What readers of the
/// form agree on is written, and no more.
pub(super) struct JunitReport {
    path: PathBuf,
    file: Beside,
    cases: Writer<Spool>,
    counts: Counts,
}

#[derive(Default)]
struct Counts {
    tests: u64,
    failures: u64,
    errors: u64,
    skipped: u64,
}

/// One test case.
struct Case<'a> {
    class: &'a str,
    name: &'a str,
    milliseconds: u64,
    end: End<'a>,
}

/// How it ended.
enum End<'a> {
    Passed,
    Skipped(&'a str),
    /// An image that did not arrive: its class, message, and all there is to say.
    Failed(&'a str, &'a str, &'a str),
    /// Something else went wrong.
    Error(&'a str, &'a str, &'a str),
}

impl JunitReport {
    /// Begins the report at `path`.
    pub(super) fn create(path: &Path, _: &Figures) -> io::Result<Self> {
        let cases = Writer::new_with_indent(Spool::beside(path), b' ', 2);
        Ok(Self { path: path.to_owned(), file: Beside::create(path)?, cases, counts: Counts::default() })
    }

    /// Writes what `event` tells of an image.
    pub(super) fn take(&mut self, event: &Event) -> io::Result<()> {
        match event {
            Event::Finished(outcome) => self.image(outcome, &outcome.job.transfer),
            Event::Verified(outcome) => self.image(outcome, &format!("{} (verification)", outcome.job.transfer)),
            Event::Rejected { transfer, image, reason } => {
                let end = End::Error(advice::REJECTED, reason, reason);
                self.case(&Case { class: transfer, name: image, milliseconds: 0, end })
            }
            Event::Incomplete { transfer, reason, hint } => {
                let text = hinted(reason, hint.as_deref());
                let end = End::Error(advice::UNLISTED, reason, &text);
                self.case(&Case { class: transfer, name: "the list of the source", milliseconds: 0, end })
            }
            Event::Resumed { .. }
            | Event::Started { .. }
            | Event::Retrying(_)
            | Event::Unwanted
            | Event::Interrupted => Ok(()),
        }
    }

    /// Writes the numbers, then the cases, and gives the file its name.
    pub(super) fn finish(mut self, figures: &Figures) -> io::Result<()> {
        self.file.write_all(b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n")?;
        let Counts { tests, failures, errors, skipped } = self.counts;
        let began = i64::try_from(figures.started).ok().and_then(|it| OffsetDateTime::from_unix_timestamp(it).ok());
        let began = began.unwrap_or(OffsetDateTime::UNIX_EPOCH).format(TIME).map_err(io::Error::other)?;
        let name = if figures.name.trim().is_empty() { "image-transfer" } else { &figures.name };
        let mut suite = BytesStart::new("testsuite");
        for (key, value) in [
            ("name", token(name)),
            ("package", String::new()),
            ("id", "0".to_owned()),
            ("timestamp", began),
            ("hostname", "localhost".to_owned()),
            ("tests", tests.to_string()),
            ("failures", failures.to_string()),
            ("errors", errors.to_string()),
            ("skipped", skipped.to_string()),
            ("time", seconds(u64::try_from(figures.elapsed.as_millis()).unwrap_or(u64::MAX))),
        ] {
            suite.push_attribute((key, value.as_str()));
        }
        let mut writer = Writer::new(&mut self.file);
        writer.write_event(Xml::Start(suite))?;
        writer.write_event(Xml::Empty(BytesStart::new("properties")))?;
        self.cases.into_inner().pour(&mut self.file)?;
        self.file.write_all(b"\n<system-out/><system-err/></testsuite>\n</testsuites>\n")?;
        self.file.finish().map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", self.path.display())))
    }

    fn image(&mut self, outcome: &Outcome, class: &str) -> io::Result<()> {
        let targets: Vec<String> = outcome.targets.iter().map(|target| target.reference.to_string()).collect();
        let name = format!("{} -> {}", outcome.job.source, targets.join(", "));
        let failures: Vec<&Failure> = outcome.targets.iter().filter_map(|target| failure(&target.status)).collect();
        let texts: Vec<String> = failures.iter().map(|it| hinted(&it.message, it.hint.as_deref())).collect();
        let text = texts.join("\n");
        let all_skipped = outcome.targets.iter().all(|target| target.status == Status::Skipped);
        let end = match failures.first() {
            Some(failure) => End::Failed(failure.class, &failure.message, &text),
            None if all_skipped => End::Skipped("the tag exists"),
            None => End::Passed,
        };
        self.case(&Case { class, name: &name, milliseconds: row::milliseconds(outcome), end })
    }

    fn case(&mut self, case: &Case<'_>) -> io::Result<()> {
        self.counts.tests += 1;
        let mut start = BytesStart::new("testcase");
        for (key, value) in
            [("classname", token(case.class)), ("name", token(case.name)), ("time", seconds(case.milliseconds))]
        {
            start.push_attribute((key, value.as_str()));
        }
        let (element, kind, message, text) = match case.end {
            End::Passed => return self.cases.write_event(Xml::Empty(start)),
            End::Skipped(why) => {
                self.counts.skipped += 1;
                ("skipped", None, why, "")
            }
            End::Failed(class, message, text) => {
                self.counts.failures += 1;
                ("failure", Some(class), message, text)
            }
            End::Error(class, message, text) => {
                self.counts.errors += 1;
                ("error", Some(class), message, text)
            }
        };
        self.cases.write_event(Xml::Start(start))?;
        let mut inner = BytesStart::new(element);
        if let Some(kind) = kind {
            inner.push_attribute(("type", kind));
        }
        inner.push_attribute(("message", readable(message).as_str()));
        self.cases.write_event(Xml::Start(inner))?;
        self.cases.write_event(Xml::Text(BytesText::new(&readable(text))))?;
        self.cases.write_event(Xml::End(BytesEnd::new(element)))?;
        self.cases.write_event(Xml::End(BytesEnd::new("testcase")))
    }
}

fn failure(status: &Status) -> Option<&Failure> {
    match status {
        Status::Failed(failure) => Some(failure),
        _ => None,
    }
}

fn hinted(message: &str, hint: Option<&str>) -> String {
    hint.map_or_else(|| message.to_owned(), |hint| format!("{message}\nhint: {hint}"))
}

fn seconds(milliseconds: u64) -> String {
    format!("{}.{:03}", milliseconds / 1000, milliseconds % 1000)
}

/// Without the characters that XML 1.0 has no way to write, escaped or not.
fn readable(text: &str) -> String {
    let known = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..);
    text.chars().map(|c| if known(c) { c } else { '\u{fffd}' }).collect()
}

/// On one line, with single blanks.
fn token(text: &str) -> String {
    readable(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_xml_cannot_hold_is_replaced_and_the_rest_is_escaped() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("report.xml");
        let figures = Figures::new(" ", false);
        let mut report = JunitReport::create(&path, &figures).unwrap();
        let (image, reason) = ("<a>&\"'\u{0}\u{1b}[31m".to_owned(), "]]> \u{ffff}".to_owned());
        report.take(&Event::Rejected { transfer: "t\nu".to_owned(), image, reason }).unwrap();
        report.finish(&figures).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains("classname=\"t u\" name=\"&lt;a&gt;&amp;&quot;&apos;\u{fffd}\u{fffd}[31m\""), "{text}");
        assert!(text.contains("]]&gt; \u{fffd}</error>"), "{text}");
        assert!(text.contains("<testsuite name=\"image-transfer\"") && text.contains("tests=\"1\""), "{text}");
    }
}
