//! The picture: what a message costs, as a ratio to the floor, on a logarithmic scale.

use std::fmt::Write as _;

use super::measure::Cell;
use super::scenario::Scenario;

const WIDTH: f64 = 860.0;
const LEFT: f64 = 250.0;
const RIGHT: f64 = 60.0;
const BAR: f64 = 14.0;
const GAP: f64 = 26.0;

/// From so much to so much of the floor.
const LEAST: f64 = 0.5;
const MOST: f64 = 32.0;

/// All scenarios, one above the other.
pub(crate) fn plot(rows: &[(&Scenario, &Vec<Cell>)]) -> String {
    let bars: usize = rows.iter().map(|(_, cells)| cells.len() - 1).sum();
    let height = 30.0 + rows.len() as f64 * (GAP + 10.0) + bars as f64 * BAR;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height:.0}\" role=\"img\" \
         aria-label=\"CPU time a message, as a ratio to the floor\">\n<style>\n\
         text {{ font: 11px system-ui, sans-serif; fill: #222; }} .title {{ font-weight: 600; }}\n\
         .grid {{ stroke: #8886; }} .floor {{ stroke: #888; stroke-width: 2; }}\n\
         .other {{ fill: #9aa5b1; }} .readily {{ fill: #0b7285; }} .spread {{ stroke: #222; }}\n\
         @media (prefers-color-scheme: dark) {{ text {{ fill: #ddd; }} .readily {{ fill: #3bc9db; }}\n\
         .other {{ fill: #6b7683; }} .spread {{ stroke: #ddd; }} }}\n</style>\n"
    );
    for ratio in [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0] {
        let x = place(ratio);
        let class = if ratio == 1.0 { "floor" } else { "grid" };
        let _ = writeln!(
            svg,
            r#"<line class="{class}" x1="{x:.1}" x2="{x:.1}" y1="22" y2="{height:.0}"/><text x="{x:.1}" y="14" text-anchor="middle">{ratio} ×</text>"#
        );
    }
    let mut y = 30.0;
    for (scenario, cells) in rows {
        y += GAP - 12.0;
        let _ = writeln!(svg, r#"<text class="title" x="8" y="{y:.1}">{}</text>"#, scenario.name);
        y += 6.0;
        for cell in &cells[1..] {
            let Some(ratio) = cell.ratio(&cells[0]) else { continue };
            let class = if cell.name == "readily" { "readily" } else { "other" };
            let (one, end) = (place(1.0), place(ratio.median));
            let (x, width) = (one.min(end), (one - end).abs().max(1.5));
            let middle = y + BAR / 2.0 - 1.0;
            let _ = writeln!(
                svg,
                r#"<text x="{:.1}" y="{:.1}" text-anchor="end">{}</text><rect class="{class}" x="{x:.1}" y="{y:.1}" width="{width:.1}" height="{:.1}"/><line class="spread" x1="{:.1}" x2="{:.1}" y1="{middle:.1}" y2="{middle:.1}"/><text x="{:.1}" y="{:.1}">{:.2}</text>"#,
                LEFT - 10.0,
                y + BAR - 4.0,
                cell.name.replace('/', ", "),
                BAR - 3.0,
                place(ratio.least),
                place(ratio.most),
                one.max(end).max(place(ratio.most)) + 5.0,
                y + BAR - 4.0,
                ratio.median
            );
            y += BAR;
        }
        y += 22.0;
    }
    svg.push_str("</svg>\n");
    svg
}

fn place(ratio: f64) -> f64 {
    let share = (ratio.clamp(LEAST, MOST) / LEAST).ln() / (MOST / LEAST).ln();
    LEFT + (WIDTH - LEFT - RIGHT) * share
}
