//! The log on stderr.

use std::io::Write as _;

use log::LevelFilter;

/// Logs to stderr, a line each: time in UTC, level, what happened. RUST_LOG, where it is set, says
/// what is logged; else `level` does.
pub(crate) fn start(level: LevelFilter) {
    let mut builder = env_logger::Builder::new();
    builder.filter_level(level);
    if std::env::var_os("RUST_LOG").is_some() {
        builder.parse_env(env_logger::Env::default());
    }
    builder.format(|out, record| {
        let style = out.default_level_style(record.level());
        let (time, level) = (out.timestamp_millis(), record.level());
        writeln!(out, "{time} {style}{level:<5}{style:#} {}", record.args())
    });
    builder.init();
}
