//! The report for people: one page that needs nothing from anywhere.
//!
//! Every text that comes from outside goes through [`maud`], which escapes it. The page's own script and style are named to the browser by
//! their digests, and nothing else may run or be fetched; without the script the page is whole, but does not filter or sort.

mod chart;
mod sections;
mod words;

use std::io;
use std::io::Write;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::DOCTYPE;
use maud::Markup;
use maud::PreEscaped;
use maud::html;
use sha2::Digest as _;
use sha2::Sha256;

use crate::report::Event;
use crate::report::Summary;
use crate::report::beside::Beside;
use crate::report::figures::Figures;
use crate::report::row::Row;

/// Images that are listed; a browser takes no more of them with pleasure, and the JSON report has all.
const MOST_ROWS: usize = 2_000;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// Keeps the first images, and writes the page at the end.
pub(super) struct HtmlReport {
    file: Beside,
    rows: Vec<Row>,
    images: u64,
}

/// What a page is made of.
pub(super) struct Page<'a> {
    pub(super) summary: &'a Summary,
    pub(super) figures: &'a Figures,
    /// The first images.
    pub(super) rows: &'a [Row],
    /// How many there were.
    pub(super) images: u64,
}

impl HtmlReport {
    /// Begins the report at `path`.
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        Ok(Self { file: Beside::create(path)?, rows: Vec::new(), images: 0 })
    }

    /// Keeps what `event` tells of an image, if there is room.
    pub(super) fn take(&mut self, event: &Event) {
        let outcome = match event {
            Event::Finished(outcome) => outcome,
            // What is as it should be was told by the run itself.
            Event::Verified(outcome) if !outcome.succeeded() => outcome,
            _ => return,
        };
        self.images += 1;
        if self.rows.len() < MOST_ROWS {
            self.rows.push(Row::of(outcome));
        }
    }

    /// Writes the page and gives the file its name.
    pub(super) fn finish(mut self, summary: &Summary, figures: &Figures) -> io::Result<()> {
        let page = Page { summary, figures, rows: &self.rows, images: self.images };
        self.file.write_all(page.render().into_string().as_bytes())?;
        self.file.finish()
    }
}

impl Page<'_> {
    fn render(&self) -> Markup {
        let policy = format!(
            "default-src 'none'; style-src '{}'; script-src '{}'; img-src data:; base-uri 'none'; form-action 'none'",
            hash(STYLE),
            hash(SCRIPT)
        );
        let name = if self.figures.name.is_empty() { "image-transfer" } else { &self.figures.name };
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta http-equiv="Content-Security-Policy" content=(policy);
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    meta name="referrer" content="no-referrer";
                    title { (name) " – " (sections::verdict(self.summary, self.figures).1) }
                    link rel="icon" href="data:,";
                    style { (PreEscaped(STYLE)) }
                }
                body {
                    a .skip href="#main" { "Skip to the figures" }
                    (sections::heading(self, name))
                    main #main {
                        (sections::totals(self))
                        (chart::throughput(&self.figures.series))
                        (sections::failures(self))
                        (sections::hosts(self))
                        (sections::filter())
                        (sections::images(self))
                    }
                    footer { p { "Written by image-transfer " (env!("CARGO_PKG_VERSION")) ". This page loads nothing and sends nothing." } }
                    script { (PreEscaped(SCRIPT)) }
                }
            }
        }
    }
}

/// As a content security policy names a text.
fn hash(text: &str) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(text.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_from_outside_are_text_and_nothing_else() {
        let evil = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>".to_owned();
        let mut figures = Figures::new(&evil, false);
        figures.take(&Event::Rejected { transfer: evil.clone(), image: evil.clone(), reason: evil.clone() });
        figures.hosts = vec![crate::limit::HostNumbers { host: evil.clone(), ..Default::default() }];
        let row = Row {
            transfer: evil.clone(),
            source: evil.clone(),
            targets: vec![evil.clone()],
            status: "copied",
            bytes: 1,
            milliseconds: 1,
            attempts: 1,
        };
        let page = Page { summary: &Summary::default(), figures: &figures, rows: &[row], images: 1 };
        let text = page.render().into_string();
        assert_eq!(text.matches("<script").count(), 1);
        assert_eq!(text.matches("<img").count(), 0);
        assert!(text.contains("&lt;script&gt;alert(1)&lt;/script&gt;&quot;"), "{text}");
    }

    #[test]
    fn the_texts_of_the_page_do_not_end_their_elements() {
        // A browser reads them up to this, whatever stands around it.
        assert!(!SCRIPT.contains("</script") && !STYLE.contains("</style"));
    }
}
