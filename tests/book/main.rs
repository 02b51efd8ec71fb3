//! What the book says is so: its chapters hang together (here), what they name exists (`names`), and its
//! table of WebSocket states is what the engine does (`websocket`). The snippets are doctests
//! (`src/lib.rs`), and the commands of the pages to try are run by `.ci/book`.

mod names;
mod pages;
mod websocket;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Component, Path, PathBuf};

use pages::{Page, book, book_path, pages, root};

/// Titles and paths of the chapters, in the order of the summary.
fn summary() -> Vec<(String, String)> {
    let page = Page::read(book().join("SUMMARY.md"));
    page.links().into_iter().map(|(title, target)| (title, target.to_owned())).collect()
}

#[test]
fn the_summary_lists_every_chapter_once_and_by_its_title() {
    let chapters = summary();
    let listed: BTreeSet<_> = chapters.iter().map(|(_, path)| path.clone()).collect();
    assert_eq!(listed.len(), chapters.len(), "a chapter is listed twice");
    let pages = pages();
    let there: BTreeSet<_> = pages.iter().map(|page| book_path(&page.path)).collect();
    assert_eq!(listed, there);
    for (title, path) in chapters {
        let text = fs::read_to_string(book().join(&path)).expect("a chapter");
        assert_eq!(text.lines().next(), Some(&*format!("# {title}")), "{path}");
    }
}

#[test]
fn each_chapter_leads_to_the_next_and_stands_on_the_first_page() {
    let chapters: Vec<_> = summary().into_iter().map(|(_, path)| path).collect();
    let first = fs::read_to_string(book().join("README.md")).expect("the first page");
    // Pages to try are reached from their overview.
    let chapters: Vec<_> = chapters.iter().filter(|path| !path.contains('/')).collect();
    for pair in chapters[1..].windows(2) {
        let text = fs::read_to_string(book().join(pair[0])).expect("a chapter");
        let last = text.lines().next_back().expect("a line");
        assert!(last.ends_with(&format!("]({}).*", pair[1])), "{} ends with {last}", pair[0]);
    }
    for chapter in &chapters[1..] {
        assert!(first.contains(&format!("| [{}]({chapter}) |", title_of(chapter))), "{chapter}");
    }
}

fn title_of(chapter: &str) -> String {
    let text = fs::read_to_string(book().join(chapter)).expect("a chapter");
    text.lines().next().and_then(|line| line.strip_prefix("# ")).expect("a title").to_owned()
}

/// `path` without `.` and `..`.
fn plain(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut plain, part| {
        match part {
            Component::ParentDir => assert!(plain.pop(), "{path:?}"),
            Component::CurDir => {}
            part => plain.push(part),
        }
        plain
    })
}

/// The documents around the book.
const OTHERS: &[&str] = &[
    "ARCHITECTURE.md",
    "README.md",
    "SECURITY.md",
    "docs/benchmarks/README.md",
    "docs/deployment.md",
    "docs/fuzzing.md",
    "docs/promises.md",
    "examples/README.md",
];

#[test]
fn every_link_leads_somewhere() {
    let others = OTHERS.iter().map(|name| Page::read(root().join(name)));
    let mut count = 0;
    for page in pages().into_iter().chain(others) {
        let is_of_the_book = page.path.starts_with(book());
        for (_, link) in page.links() {
            if link.starts_with("http") {
                continue;
            }
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            let name = page.path.file_name().expect("a name").to_str().expect("text");
            let target = plain(&page.folder().join(if path.is_empty() { name } else { path }));
            assert!(target.exists(), "{:?}: {link}", page.path);
            // mdBook makes `.html` of the `.md` of a link, be there such a page or not.
            let is_page = target.extension().is_some_and(|extension| extension == "md");
            let is_outside = is_of_the_book && is_page && !target.starts_with(book());
            assert!(!is_outside, "{:?}: {link}", page.path);
            if !anchor.is_empty() {
                let headings = Page::read(target).headings();
                assert!(headings.iter().any(|known| known == anchor), "{:?}: {link}", page.path);
            }
            count += 1;
        }
    }
    assert!(count > 60, "{count}");
}

#[test]
fn every_snippet_is_compiled() {
    let library = fs::read_to_string(root().join("src/lib.rs")).expect("the library");
    let mut count = 0;
    for page in pages() {
        let languages: BTreeSet<_> =
            page.fences().into_iter().map(|(language, _)| language).collect();
        let known = BTreeSet::from(["rust", "text", "console", "sh"]);
        let strange: Vec<_> = languages.difference(&known).collect();
        assert!(strange.is_empty(), "{:?}: fences of {strange:?}", page.path);
        if languages.contains("rust") {
            let included = format!("include_str!(\"../docs/book/{}\")", book_path(&page.path));
            assert!(library.contains(&included), "{:?} is no doctest", page.path);
            count += 1;
        }
    }
    assert!(count >= 8, "{count}");
}
