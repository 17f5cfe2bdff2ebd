//! The parts of the page.

use std::time::Duration;

use maud::Markup;
use maud::html;

use crate::limit::HostNumbers;
use crate::report::Size;
use crate::report::Summary;
use crate::report::advice;
use crate::report::figures::Example;
use crate::report::figures::Figures;
use crate::report::figures::Kind;
use crate::report::html::Page;
use crate::report::html::words;
use crate::report::row::Row;

/// How the run ended: a class of the style, and words.
pub(super) fn verdict(summary: &Summary, figures: &Figures) -> (&'static str, String) {
    let failures: u64 = figures.failures.values().map(|kind| kind.count).sum();
    if summary.interrupted {
        ("warn", "stopped before the end".to_owned())
    } else if summary.incomplete > 0 {
        ("bad", "a source could not be listed whole".to_owned())
    } else if failures > 0 {
        ("bad", if failures == 1 { "1 failure".to_owned() } else { format!("{} failures", words::number(failures)) })
    } else if figures.dry_run {
        ("good", "a plan, nothing was written".to_owned())
    } else {
        ("good", "all images are at their targets".to_owned())
    }
}

pub(super) fn heading(page: &Page<'_>, name: &str) -> Markup {
    let Figures { started, elapsed, dry_run, .. } = page.figures;
    let (class, words) = verdict(page.summary, page.figures);
    html! {
        header {
            h1 { (name) }
            p class={"verdict " (class)} { (words) }
            p .when {
                (if *dry_run { "Planned " } else { "Began " })
                time datetime=(words::date(*started).replace(" UTC", "Z").replace(' ', "T")) { (words::date(*started)) }
                ", took " (words::duration(*elapsed))
            }
        }
    }
}

pub(super) fn totals(page: &Page<'_>) -> Markup {
    let Page { summary, figures, .. } = page;
    let bytes = &summary.bytes;
    let seconds = figures.elapsed.as_millis().max(1);
    let rate = u64::try_from(u128::from(bytes.copied) * 1000 / seconds).unwrap_or(u64::MAX);
    let retries: u64 = figures.hosts.iter().map(|host| host.retries).sum();
    let paused: Duration = figures.hosts.iter().map(|host| host.paused).sum();
    let tile = |what: &str, value: String, more: String| html! { div { dt { (what) } dd { (value) @if !more.is_empty() { small { (more) } } } } };
    let targets = [
        ("copied", summary.copied),
        ("to copy", summary.planned),
        ("named", summary.named),
        ("unchanged", summary.unchanged),
        ("skipped", summary.skipped),
        ("failed", summary.failed),
        ("done before", summary.before),
        ("verified", summary.verified),
        ("missing or different", summary.unverified),
        ("rejected or unlisted", summary.failed_generations),
    ];
    let blobs =
        |count: u64| if count == 1 { "in 1 blob".to_owned() } else { format!("in {} blobs", words::number(count)) };
    html! {
        section aria-labelledby="totals" {
            h2 #totals { "Totals" }
            dl .tiles {
                (tile("images", words::number(summary.jobs), String::new()))
                @for (what, count) in targets {
                    @if count > 0 { (tile(what, words::number(count), String::new())) }
                }
                (tile(if figures.dry_run { "to move, at most" } else { "moved" }, Size(bytes.copied).to_string(), blobs(bytes.copied_blobs)))
                @if bytes.mounted_blobs > 0 { (tile("mounted", Size(bytes.mounted).to_string(), blobs(bytes.mounted_blobs))) }
                @if bytes.present_blobs > 0 { (tile("there already", Size(bytes.present).to_string(), blobs(bytes.present_blobs))) }
                @if !figures.dry_run { (tile("on average", format!("{}/s", Size(rate)), String::new())) }
                @if summary.unwanted > 0 { (tile("not wanted", words::number(summary.unwanted), String::new())) }
                (tile("retries", words::number(retries), String::new()))
                @if figures.again > 0 { (tile("tried in another round", words::number(figures.again), String::new())) }
                @if !paused.is_zero() { (tile("hosts paused", words::duration(paused), String::new())) }
            }
        }
    }
}

pub(super) fn failures(page: &Page<'_>) -> Markup {
    let kinds = &page.figures.failures;
    html! {
        section aria-labelledby="failures" {
            h2 #failures { "Failures" }
            @if kinds.is_empty() {
                p { "None." }
            }
            @for (class, kind) in kinds { (failures_of(class, kind)) }
        }
    }
}

fn failures_of(class: &str, kind: &Kind) -> Markup {
    let (what, advice) = advice::of(class);
    let shown = kind.examples.len() as u64;
    html! {
        article .kind {
            h3 { (what) " " span .count { (words::number(kind.count)) } }
            p .class { "class " code { (class) } }
            p .advice { strong { "What to do: " } (advice) }
            @if !kind.hints.is_empty() {
                ul { @for hint in &kind.hints { li { (hint) } } }
            }
            @if shown < kind.count {
                p .note { "The first " (words::number(shown)) " are shown; the JSON report has all." }
            }
            (table(&format!("failures of class {class}"), &[("Image", ""), ("Message", ""), ("Target", ""), ("Transfer", "")], &html! {
                @for example in &kind.examples { (failure(example)) }
            }))
        }
    }
}

fn failure(example: &Example) -> Markup {
    html! {
        tr data-status="failed" {
            th scope="row" .name { (example.source) }
            td .message { (example.message) }
            td .name { (example.target.as_deref().unwrap_or("–")) }
            td { (example.transfer) }
        }
    }
}

pub(super) fn hosts(page: &Page<'_>) -> Markup {
    let columns = [
        ("Host", ""),
        ("Requests", "number"),
        ("Failed", "number"),
        ("Received", "number"),
        ("Sent", "number"),
        ("Retries", "number"),
        ("Asked for a pause", "number"),
        ("Was paused", "number"),
        ("Requests waited", "number"),
    ];
    html! {
        section aria-labelledby="hosts" {
            h2 #hosts { "Hosts" }
            @if page.figures.hosts.is_empty() {
                p { "No host was asked." }
            } @else {
                (table("hosts", &columns, &html! { @for it in &page.figures.hosts { (host(it)) } }))
            }
        }
    }
}

fn host(host: &HostNumbers) -> Markup {
    let failed = host.answers.iter().filter(|it| matches!(it.status, "none" | "5xx")).map(|it| it.count).sum();
    html! {
        tr {
            th scope="row" .name { (host.host) }
            @for count in [host.requests, failed] { (count_cell(count)) }
            @for bytes in [host.received, host.sent] { (size_cell(bytes)) }
            @for count in [host.retries, host.throttled] { (count_cell(count)) }
            @for time in [host.paused, host.waited] { (time_cell(time)) }
        }
    }
}

/// What narrows all lists of images. It works with the script alone, which shows it.
pub(super) fn filter() -> Markup {
    html! {
        form #filter role="search" aria-label="Filter the lists of images" hidden {
            label { "Filter " input #filter-text type="search" placeholder="part of a name or a message" autocomplete="off"; }
            label { "Status " select #filter-status {
                option value="" { "all" }
                @for status in ["copied", "planned", "named", "unchanged", "skipped", "failed", "verified"] { option value=(status) { (status) } }
            } }
            output #filter-count for="filter-text filter-status" aria-live="polite" {}
        }
    }
}

pub(super) fn images(page: &Page<'_>) -> Markup {
    let shown = page.rows.len() as u64;
    html! {
        section aria-labelledby="slowest" {
            h2 #slowest { "Slowest images" }
            (list("slowest images", page.figures.slowest.iter()))
        }
        section aria-labelledby="largest" {
            h2 #largest { "Largest images" }
            (list("largest images", page.figures.largest.iter()))
        }
        section aria-labelledby="images" {
            h2 #images { "Images" }
            @if shown < page.images {
                p .note { "The first " (words::number(shown)) " of " (words::number(page.images)) "; the JSON report has all." }
            }
            (list("images", page.rows.iter()))
        }
    }
}

fn list<'a>(name: &str, rows: impl Iterator<Item = &'a Row>) -> Markup {
    let columns =
        [("Image", ""), ("Targets", ""), ("Status", ""), ("Size", "number"), ("Time", "number"), ("Tries", "number")];
    let mut rows = rows.peekable();
    html! {
        @if rows.peek().is_none() {
            p { "None." }
        } @else {
            (table(name, &columns, &html! { @for it in rows { (row(it)) } }))
        }
    }
}

fn row(row: &Row) -> Markup {
    html! {
        tr data-status=(row.status) {
            th scope="row" .name { (row.source) }
            td .name { @for target in &row.targets { div { (target) } " " } }
            td { span class={"status " (row.status)} { (row.status) } }
            (size_cell(row.bytes))
            (time_cell(Duration::from_millis(row.milliseconds)))
            (count_cell(u64::from(row.attempts)))
        }
    }
}

/// A table that can be scrolled by itself, with keys too; the script makes its heads sort and filters those of which the rows have a status.
fn table(name: &str, columns: &[(&str, &str)], rows: &Markup) -> Markup {
    html! {
        div .scroll tabindex="0" role="region" aria-label={"Table of " (name)} {
            table .sortable {
                caption .hidden { (name) }
                thead { tr { @for (title, class) in columns { th scope="col" class=(class) { (title) } } } }
                tbody { (rows) }
            }
        }
    }
}

fn count_cell(count: u64) -> Markup {
    html! { td .number data-value=(count) { (words::number(count)) } }
}

fn size_cell(bytes: u64) -> Markup {
    html! { td .number data-value=(bytes) { (Size(bytes)) } }
}

fn time_cell(time: Duration) -> Markup {
    html! { td .number data-value=(time.as_millis()) { (words::duration(time)) } }
}
