//! Pictures as SVG: bars on a logarithmic axis of time, and a line over seconds.
//!
//! Colours are those of the text around (`currentColor`) and one accent, so that a picture is at home
//! in a light page and in a dark one.

use std::fmt::Write as _;

use super::text::{Short, grouped};

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 240.0;
const LEFT: f64 = 70.0;
const BOTTOM: f64 = 30.0;
const TOP: f64 = 12.0;

/// The histogram of latencies: upper ends of bars of equal width, and how many are in each.
pub(super) fn histogram(bars: &[(std::time::Duration, u64)]) -> String {
    let most = bars.iter().map(|(_, count)| *count).max().unwrap_or(0).max(1) as f64;
    let mut svg = begin("How many replies took how long", "replies");
    let step = (WIDTH - LEFT) / bars.len().max(1) as f64;
    // A label every so many bars, so that they do not overlap.
    let every = (bars.len() / 8).max(1);
    for (index, (end, count)) in bars.iter().enumerate() {
        let height = (HEIGHT - BOTTOM - TOP) * (*count as f64 / most);
        let (x, y) = (LEFT + step * index as f64, HEIGHT - BOTTOM - height);
        let width = (step - 1.0).max(0.5);
        let _ = writeln!(
            svg,
            r#"<rect class="mark" x="{x:.1}" y="{y:.1}" width="{width:.1}" height="{height:.1}"><title>up to {}: {}</title></rect>"#,
            Short(*end),
            grouped(*count as f64)
        );
        if index % every == every / 2 {
            let _ = writeln!(
                svg,
                r#"<text x="{:.1}" y="{:.1}" text-anchor="middle">{}</text>"#,
                x + step,
                HEIGHT - 10.0,
                Short(*end)
            );
        }
    }
    scale(&mut svg, most);
    svg.push_str("</svg>\n");
    svg
}

/// A line: values at moments in seconds.
pub(super) fn line(points: &[(f64, f64)]) -> String {
    let most = points.iter().map(|(_, value)| *value).fold(1.0, f64::max);
    let last = points.last().map_or(1.0, |(seconds, _)| *seconds).max(0.1);
    let place = |seconds: f64, value: f64| {
        (
            LEFT + (WIDTH - LEFT) * (seconds / last),
            HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * (value / most),
        )
    };
    let mut svg = begin("Replies a second over time", "a second");
    let mut path = String::new();
    for (index, (seconds, value)) in points.iter().enumerate() {
        let (x, y) = place(*seconds, *value);
        let _ = write!(path, "{}{x:.1} {y:.1} ", if index == 0 { 'M' } else { 'L' });
    }
    let _ = writeln!(svg, r#"<path class="line" d="{path}"/>"#);
    for quarter in 0..=4 {
        let seconds = last * f64::from(quarter) / 4.0;
        let (x, _) = place(seconds, 0.0);
        let anchor = if quarter == 4 { "end" } else { "middle" };
        let _ = writeln!(
            svg,
            r#"<text x="{x:.1}" y="{:.1}" text-anchor="{anchor}">{seconds:.1} s</text>"#,
            HEIGHT - 10.0
        );
    }
    scale(&mut svg, most);
    svg.push_str("</svg>\n");
    svg
}

fn begin(title: &str, unit: &str) -> String {
    format!(
        "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{title}\">\n\
         <text x=\"{LEFT}\" y=\"10\" class=\"unit\">{unit}</text>\n"
    )
}

/// The axis of numbers, from nothing to `most`.
fn scale(svg: &mut String, most: f64) {
    for half in 0..=2 {
        let share = f64::from(half) / 2.0;
        let y = HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * share;
        let _ = writeln!(
            svg,
            r#"<line class="grid" x1="{LEFT}" x2="{WIDTH}" y1="{y:.1}" y2="{y:.1}"/><text x="{:.1}" y="{:.1}" text-anchor="end">{}</text>"#,
            LEFT - 6.0,
            y + 4.0,
            grouped(most * share)
        );
    }
}
