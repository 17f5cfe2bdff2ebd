//! What happened when, as drawings.

use std::fmt::Write as _;
use std::time::Duration;

use maud::Markup;
use maud::html;

use crate::report::Size;
use crate::report::html::words;
use crate::report::series::Series;
use crate::report::series::Span;

/// Units of a drawing's height; its width is a unit a span, and the browser stretches both.
const HEIGHT: u64 = 100;

/// One line of a drawing: its class, its name, and what it shows of a span.
type Line = (&'static str, &'static str, fn(&Span) -> u64);

/// The throughput over time: bytes in both directions, and images.
pub(super) fn throughput(series: &Series) -> Markup {
    let bytes: [Line; 2] = [("received", "received", |span| span.received), ("sent", "sent", |span| span.sent)];
    let images: [Line; 1] = [("images", "done", |span| span.images)];
    let rate = |count: u64| format!("{}/s", Size(count * 1000 / millis(series.width())));
    let pace = |count: u64| format!("{} a minute", words::number(count * 60_000 / millis(series.width())));
    html! {
        section aria-labelledby="over-time" {
            h2 #over-time { "Over time" }
            @if series.spans().is_empty() {
                p { "Nothing happened." }
            } @else {
                div .charts {
                    (drawing(series, "Bytes", &bytes, &rate))
                    (drawing(series, "Images", &images, &pace))
                }
                (numbers(series))
            }
        }
    }
}

fn drawing(series: &Series, title: &str, lines: &[Line], tell: &dyn Fn(u64) -> String) -> Markup {
    let spans = series.spans();
    let most = spans.iter().flat_map(|span| lines.iter().map(move |(.., of)| of(span))).max().unwrap_or(0);
    let total = series.width() * u32::try_from(spans.len()).unwrap_or(u32::MAX);
    let said: Vec<String> = lines
        .iter()
        .map(|(_, name, of)| {
            let (at, peak) =
                spans.iter().enumerate().map(|(at, it)| (at, of(it))).max_by_key(|(_, it)| *it).unwrap_or_default();
            format!("{name}: at most {}, after {}", tell(peak), words::duration(since(series, at)))
        })
        .collect();
    let label = format!("{title} over {}. {}.", words::duration(total), said.join("; "));
    html! {
        figure .chart {
            figcaption {
                span .title { (title) }
                @if lines.len() > 1 {
                    @for (class, name, _) in lines { span class={"key " (class)} { (name) } }
                }
                span .peak { "at most " (tell(most)) }
            }
            svg viewBox={"0 0 " (spans.len()) " " (HEIGHT)} preserveAspectRatio="none" role="img" aria-label=(label) {
                line .grid x1="0" x2=(spans.len()) y1=(HEIGHT / 2) y2=(HEIGHT / 2) {}
                @for (class, _, of) in lines {
                    path class=(class) d=(outline(spans, *of, most)) {}
                }
                @for (at, span) in spans.iter().enumerate() {
                    rect .span x=(at) y="0" width="1" height=(HEIGHT) {
                        title {
                            "after " (words::duration(since(series, at)))
                            @for (_, name, of) in lines { ", " (tell(of(span))) " " (name) }
                        }
                    }
                }
            }
            div .axis aria-hidden="true" { span { "0" } span { (words::duration(total)) } }
        }
    }
}

/// The same as a table, for those who cannot see the drawings or want the numbers.
fn numbers(series: &Series) -> Markup {
    html! {
        details {
            summary { "The numbers behind the drawings" }
            div .scroll tabindex="0" role="region" aria-label="Numbers over time" {
                table {
                    caption .hidden { "What happened in each " (words::duration(series.width())) }
                    thead { tr { th scope="col" { "After" } th scope="col" .number { "Received" } th scope="col" .number { "Sent" } th scope="col" .number { "Images" } } }
                    tbody {
                        @for (at, span) in series.spans().iter().enumerate() {
                            tr {
                                th scope="row" { (words::duration(since(series, at))) }
                                td .number { (Size(span.received)) }
                                td .number { (Size(span.sent)) }
                                td .number { (words::number(span.images)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A line with steps over the spans, closed at the bottom.
fn outline(spans: &[Span], of: fn(&Span) -> u64, most: u64) -> String {
    let mut path = format!("M0 {HEIGHT}");
    for (at, span) in spans.iter().enumerate() {
        let height = u128::from(of(span)) * u128::from(HEIGHT) / u128::from(most.max(1));
        // Writing to a string does not fail.
        let _ = write!(path, "V{}H{}", u128::from(HEIGHT) - height, at + 1);
    }
    let _ = write!(path, "V{HEIGHT}Z");
    path
}

fn since(series: &Series, at: usize) -> Duration {
    series.width() * u32::try_from(at).unwrap_or(u32::MAX)
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_steps_at_each_span_and_ends_at_the_bottom() {
        let spans = [5, 10, 0].map(|images| Span { images, ..Span::default() });
        assert_eq!(outline(&spans, |span| span.images, 10), "M0 100V50H1V0H2V100H3V100Z");
    }
}
