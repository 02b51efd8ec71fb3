//! A report as one page: no script, no font, no file beside it.

use std::fmt::Write as _;

use super::chart;
use super::report::{LoadReport, Report};
use super::text::Short;

/// The page.
pub fn html(report: &Report) -> String {
    let mut page = String::from(HEAD);
    let url = escaped(&report.url);
    let _ = writeln!(page, "<title>readily bench {url}</title></head><body><h1>{url}</h1>");
    let _ = writeln!(page, "<pre>{}</pre>", escaped(&report.to_string()));
    let echo = report.echo.as_ref();
    let fanout = report.fanout.as_ref();
    let measured = echo.map(|echo| &echo.load).or(fanout.map(|fanout| &fanout.load));
    if let Some(LoadReport { latency, histogram, moments, .. }) = measured {
        page.push_str("<h2>Latency</h2><table><tr>");
        let columns = [
            ("p50", latency.p50),
            ("p75", latency.p75),
            ("p90", latency.p90),
            ("p99", latency.p99),
            ("p99.9", latency.p99_9),
            ("p99.99", latency.p99_99),
            ("max", latency.max),
        ];
        for (name, _) in columns {
            let _ = write!(page, "<th>{name}</th>");
        }
        page.push_str("</tr><tr>");
        for (_, time) in columns {
            let _ = write!(page, "<td>{}</td>", Short(time));
        }
        page.push_str("</tr></table>\n");
        page.push_str(&chart::histogram(histogram));
        page.push_str("<h2>Throughput</h2>\n");
        let points: Vec<_> =
            moments.iter().map(|moment| (moment.seconds, moment.messages_per_second)).collect();
        page.push_str(&chart::line(&points));
    }
    if let Ok(json) = serde_json::to_string_pretty(report) {
        let _ = writeln!(
            page,
            "<details><summary>As JSON</summary><pre>{}</pre></details>",
            escaped(&json)
        );
    }
    let _ = writeln!(page, "<footer>{}</footer></body></html>", escaped(&report.tool));
    page
}

const HEAD: &str = r#"<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
:root { color-scheme: light dark; --accent: #0b7285; --grid: #8884; }
@media (prefers-color-scheme: dark) { :root { --accent: #3bc9db; } }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 820px; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.3rem; overflow-wrap: anywhere; } h2 { font-size: 1.1rem; margin-top: 2rem; }
pre { font: 13px/1.5 ui-monospace, monospace; overflow-x: auto; }
table { border-collapse: collapse; } th, td { padding: .2rem .8rem .2rem 0; text-align: left; }
svg { width: 100%; height: auto; } svg text { font-size: 11px; fill: currentColor; opacity: .8; }
.mark { fill: var(--accent); } .line { fill: none; stroke: var(--accent); stroke-width: 1.5; }
.grid { stroke: var(--grid); } footer { margin-top: 2rem; opacity: .7; }
</style>
"#;

/// Text as HTML has it.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::bench::{EchoReport, Errors, Latency, LoadReport, Mode, Moment, Saturated};

    #[test]
    fn the_page_is_whole_and_needs_nothing_else() {
        let report = Report {
            tool: "readily 0".into(),
            url: "ws://x:1/<script>".into(),
            mode: Mode::Echo,
            connections: 1,
            seconds: Duration::from_secs(1),
            echo: Some(EchoReport {
                load: LoadReport {
                    depth: Some(1),
                    size: 64,
                    rate: None,
                    latency: Latency { p50: Duration::from_micros(120), ..Latency::default() },
                    server_resident: None,
                    moments: vec![Moment { seconds: 0.0, messages_per_second: 3.0 }],
                    histogram: vec![
                        (Duration::from_micros(100), 1),
                        (Duration::from_micros(125), 2),
                    ],
                },
                messages: 3,
                messages_per_second: 3.0,
                bytes_per_second: 192.0,
                server_cpu_per_message: None,
            }),
            pings: None,
            fanout: None,
            idle: None,
            server_load: None,
            generator_load: 0.5,
            saturated: Saturated::NotGenerator,
            errors: Errors::default(),
        };
        let page = html(&report);
        assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</body></html>\n"));
        assert!(!page.contains("<script>") && page.contains("&lt;script&gt;"));
        for outside in ["http:", "https:", "src=", "@import", "url("] {
            assert!(!page.contains(outside), "{outside}");
        }
        assert!(page.contains("<td>120 µs</td>") && page.matches("<rect").count() == 2);
        let json = serde_json::to_value(&report).expect("serializes");
        assert_eq!(json["echo"]["latency"]["p50"], 120.0);
        assert_eq!(json["saturated"], "not_generator");
    }
}
