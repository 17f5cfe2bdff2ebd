//! Bars, as SVG that is read on light and dark pages.

use std::fmt::Write as _;

/// One tool.
pub struct Bar {
    pub name: String,
    pub seconds: f64,
}

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 26.0;
/// Where bars begin, and how long the longest is.
const LEFT: f64 = 180.0;
const LONGEST: f64 = WIDTH - LEFT - 80.0;

/// A bar for each, as long as its seconds; ours in a colour of its own.
pub fn bars(title: &str, bars: &[Bar]) -> String {
    let most = bars.iter().map(|bar| bar.seconds).fold(f64::MIN_POSITIVE, f64::max);
    let mut below = 30.0;
    let mut shapes = String::new();
    for Bar { name, seconds } in bars {
        let length = (seconds / most * LONGEST).max(1.0);
        let colour = if name.starts_with("image-transfer") { "#2a78d6" } else { "#8b95a5" };
        let middle = below + HEIGHT / 2.0;
        let _ = writeln!(
            shapes,
            "<text x=\"{}\" y=\"{middle}\" text-anchor=\"end\">{name}</text>\
             <rect x=\"{LEFT}\" y=\"{}\" width=\"{length:.1}\" height=\"{}\" rx=\"2\" fill=\"{colour}\"/>\
             <text x=\"{:.1}\" y=\"{middle}\">{seconds:.2} s</text>",
            LEFT - 8.0,
            below + 4.0,
            HEIGHT - 8.0,
            LEFT + length + 6.0
        );
        below += HEIGHT;
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {}\" role=\"img\" aria-label=\"{title}, seconds\">\n\
         <style>text {{ font: 13px system-ui, sans-serif; fill: #777; dominant-baseline: middle }}</style>\n\
         <text x=\"8\" y=\"14\" font-weight=\"bold\">{title}, seconds (median)</text>\n{shapes}</svg>\n",
        below + 8.0
    )
}
