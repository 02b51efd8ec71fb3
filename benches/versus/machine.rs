//! What the results were measured on.

use std::fs;
use std::process::Command;

/// Kernel, processor and number of CPUs, as the system tells them.
pub(crate) fn describe() -> String {
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let release = kernel.trim().split('-').next().unwrap_or_default().to_owned();
    let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = processors
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or_else(|| "unknown processor".to_owned(), |(_, name)| name.to_owned());
    let cpus = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let rustc = Command::new("rustc").arg("--version").output();
    let rustc = rustc.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    format!("Linux {release}, {model}, {cpus} CPUs, {}", rustc.unwrap_or_default())
}
