//! The recordings in `tests/recordings`.

use std::path::{Path, PathBuf};

/// All of them, in the order of their names.
pub(crate) fn kept() -> Vec<PathBuf> {
    let files = folder().read_dir().expect("a folder").map(|file| file.expect("a file").path());
    let is_recording = |file: &PathBuf| file.extension().is_some_and(|end| end == "rec");
    let mut kept: Vec<PathBuf> = files.filter(is_recording).collect();
    kept.sort();
    assert!(!kept.is_empty(), "there are some");
    kept
}

/// Where one is, if it is kept.
pub(crate) fn path(name: &str) -> PathBuf {
    folder().join(name).with_extension("rec")
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings")
}
