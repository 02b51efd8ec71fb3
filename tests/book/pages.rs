//! The pages of the book, as much of Markdown as they need.

use std::fs;
use std::path::{Path, PathBuf};

/// One page.
pub(crate) struct Page {
    pub(crate) path: PathBuf,
    pub(crate) text: String,
}

/// The root of the repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Where the pages are.
pub(crate) fn book() -> PathBuf {
    root().join("docs/book")
}

/// A page's path as the summary has it.
pub(crate) fn book_path(path: &Path) -> String {
    path.strip_prefix(book()).expect("a page of the book").to_str().expect("text").to_owned()
}

/// Every page but the summary.
pub(crate) fn pages() -> Vec<Page> {
    let mut pages = Vec::new();
    let mut folders = vec![book()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md")
                && !path.ends_with("SUMMARY.md")
            {
                pages.push(Page::read(path));
            }
        }
    }
    assert!(pages.len() > 12, "{}", pages.len());
    pages
}

impl Page {
    pub(crate) fn read(path: PathBuf) -> Page {
        Page { text: fs::read_to_string(&path).expect("a page"), path }
    }

    /// The folder that its links begin in.
    pub(crate) fn folder(&self) -> &Path {
        self.path.parent().expect("a page is in a folder")
    }

    /// Its text outside of fences, and the fences: their language and what is in them.
    fn parts(&self) -> (String, Vec<(&str, String)>) {
        let (mut prose, mut fences) = (String::new(), Vec::new());
        let mut fence: Option<(&str, String)> = None;
        for line in self.text.lines() {
            match (&mut fence, line.strip_prefix("```")) {
                (None, Some(language)) => fence = Some((language, String::new())),
                (None, None) => prose.extend([line, "\n"]),
                (Some((_, inside)), None) => inside.extend([line, "\n"]),
                (Some(_), Some(rest)) => {
                    assert!(rest.is_empty(), "{:?}: {line}", self.path);
                    fences.extend(fence.take());
                }
            }
        }
        assert!(fence.is_none(), "{:?}: a fence is not closed", self.path);
        (prose, fences)
    }

    /// Its text outside of fences.
    pub(crate) fn prose(&self) -> String {
        self.parts().0
    }

    /// Its fences: their language and what is in them.
    pub(crate) fn fences(&self) -> Vec<(&str, String)> {
        self.parts().1
    }

    /// What stands between backticks, and what follows.
    pub(crate) fn quoted(&self) -> Vec<(String, String)> {
        let prose = self.prose();
        let parts: Vec<_> = prose.split('`').collect();
        assert!(parts.len() % 2 == 1, "{:?}: a backtick is alone", self.path);
        parts[1..].chunks(2).map(|pair| (pair[0].to_owned(), pair[1].to_owned())).collect()
    }

    /// Its links: what they say and where they lead.
    pub(crate) fn links(&self) -> Vec<(String, &str)> {
        let mut links = Vec::new();
        for (position, _) in self.text.match_indices("](") {
            let title = self.text[..position].rsplit('[').next().unwrap_or_default();
            let target = self.text[position + 2..].split(')').next().unwrap_or_default();
            links.push((title.to_owned(), target));
        }
        links
    }

    /// The anchors of its headings, as GitHub and mdBook make them.
    pub(crate) fn headings(&self) -> Vec<String> {
        let prose = self.prose();
        let titles = prose.lines().filter(|line| line.starts_with('#'));
        titles.map(|line| anchor(line.trim_start_matches('#').trim())).collect()
    }
}

/// The anchor of a heading.
fn anchor(title: &str) -> String {
    let kept = |c: char| match c {
        ' ' => Some('-'),
        c if c.is_alphanumeric() || c == '-' || c == '_' => Some(c.to_ascii_lowercase()),
        _ => None,
    };
    title.chars().filter_map(kept).collect()
}
