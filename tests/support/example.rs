//! The programs in `examples/`, built and started.

use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::Once;

/// A program that is stopped with its test.
pub(crate) struct Running(pub(crate) Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Where an example is. All of them are built the first time, which `cargo test` does only when it
/// runs every test.
pub(crate) fn example(name: &str) -> PathBuf {
    static BUILT: Once = Once::new();
    let program = Path::new(env!("CARGO_BIN_EXE_readily"));
    BUILT.call_once(|| {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "--quiet", "--examples"]);
        if program.parent().is_some_and(|folder| folder.ends_with("release")) {
            cargo.arg("--release");
        }
        assert!(cargo.status().expect("cargo runs").success());
    });
    program.with_file_name("examples").join(name)
}
