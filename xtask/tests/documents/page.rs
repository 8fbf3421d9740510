//! The pages of the tree, and the blocks of text in one.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Folders that hold nothing of ours, or what a build has made.
const SKIPPED: [&str; 5] = ["node_modules", "target", "build", ".git", ".wrangler"];

pub(crate) fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask is in the repository")
}

/// A page of Markdown.
pub(crate) struct Page {
    /// From the root, such as `docs/operator.md`.
    pub(crate) name: String,
    pub(crate) text: String,
}

/// What a block is to its reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BlockKind {
    /// A paragraph or an item of a list.
    Prose,
    Heading,
    Cell,
}

/// A block of text without its marks. Code is one word, between backticks.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Block {
    pub(crate) kind: BlockKind,
    pub(crate) line: usize,
    pub(crate) text: String,
}

impl Page {
    pub(crate) fn read(name: &str) -> Self {
        let text = fs::read_to_string(repository().join(name)).expect("every listed page is there");
        Self { name: name.to_owned(), text }
    }

    pub(crate) fn parse(&self) -> impl Iterator<Item = (Event<'_>, Range<usize>)> {
        Parser::new_ext(&self.text, Options::ENABLE_TABLES).into_offset_iter()
    }

    /// The line of a place, from 1.
    pub(crate) fn line_of(&self, place: usize) -> usize {
        self.text[..place].matches('\n').count() + 1
    }

    pub(crate) fn blocks(&self) -> Vec<Block> {
        let mut blocks = Vec::new();
        let mut kinds = vec![BlockKind::Prose];
        let mut open = OpenBlock::default();
        let mut in_code = false;
        for (event, range) in self.parse() {
            let kind = *kinds.last().unwrap_or(&BlockKind::Prose);
            match event {
                Event::Start(Tag::CodeBlock(_)) => in_code = true,
                Event::End(TagEnd::CodeBlock) => in_code = false,
                Event::Start(tag) => {
                    if let Some(inner) = kind_of(&tag) {
                        blocks.extend(open.close(self, kind));
                        kinds.push(inner);
                    }
                }
                Event::End(tag) if is_block_end(tag) => {
                    blocks.extend(open.close(self, kind));
                    kinds.pop();
                }
                Event::Text(text) if !in_code => open.add(&text, range.start),
                Event::Code(_) => open.add("`code`", range.start),
                Event::SoftBreak | Event::HardBreak => open.add(" ", range.start),
                _ => {}
            }
        }
        blocks
    }
}

/// The kind of a tag that begins a block.
fn kind_of(tag: &Tag<'_>) -> Option<BlockKind> {
    match tag {
        Tag::Paragraph | Tag::Item => Some(BlockKind::Prose),
        Tag::Heading { .. } => Some(BlockKind::Heading),
        Tag::TableCell => Some(BlockKind::Cell),
        _ => None,
    }
}

fn is_block_end(tag: TagEnd) -> bool {
    matches!(tag, TagEnd::Paragraph | TagEnd::Item | TagEnd::Heading(_) | TagEnd::TableCell)
}

/// The block that is being read.
#[derive(Default)]
struct OpenBlock {
    text: String,
    place: usize,
}

impl OpenBlock {
    fn add(&mut self, text: &str, place: usize) {
        if self.text.is_empty() {
            self.place = place;
        }
        self.text.push_str(text);
    }

    fn close(&mut self, page: &Page, kind: BlockKind) -> Option<Block> {
        let text = std::mem::take(&mut self.text);
        let is_blank = text.trim().is_empty();
        (!is_blank).then(|| Block { kind, line: page.line_of(self.place), text })
    }
}

/// Every page of the tree, in the order of their names.
pub(crate) fn all_pages() -> Vec<Page> {
    let mut names = Vec::new();
    collect_files(repository(), &mut |file| {
        if file.extension().is_some_and(|ending| ending == "md") {
            names.push(name_of(file));
        }
    });
    names.sort();
    names.iter().map(|name| Page::read(name)).collect()
}

/// A file's name from the root.
pub(crate) fn name_of(file: &Path) -> String {
    let name = file.strip_prefix(repository()).expect("is in the repository");
    name.to_str().expect("names are UTF-8").to_owned()
}

/// Calls `take` with each file below a folder.
pub(crate) fn collect_files(folder: &Path, take: &mut impl FnMut(&Path)) {
    for entry in fs::read_dir(folder).expect("the folder can be read") {
        let path: PathBuf = entry.expect("the entry can be read").path();
        let is_skipped = path.file_name().is_some_and(|name| SKIPPED.iter().any(|skipped| name == *skipped));
        if is_skipped || path.is_symlink() {
            continue;
        }
        if path.is_dir() {
            collect_files(&path, take);
        } else {
            take(&path);
        }
    }
}

#[test]
fn page_is_read_in_blocks() {
    let page = Page {
        name: "page.md".to_owned(),
        text: "# A `b`\n\nOne [two](x.md)\nthree.\n\n- four\n  - five\n\n| h |\n|---|\n| a `b\\|c` |\n\n```sh\ncode\n```\n"
            .to_owned(),
    };
    let found: Vec<_> = page.blocks().into_iter().map(|block| (block.kind, block.line, block.text)).collect();
    let wanted = [
        (BlockKind::Heading, 1, "A `code`"),
        (BlockKind::Prose, 3, "One two three."),
        (BlockKind::Prose, 6, "four"),
        (BlockKind::Prose, 7, "five"),
        (BlockKind::Cell, 9, "h"),
        (BlockKind::Cell, 11, "a `code`"),
    ];
    assert_eq!(found, wanted.map(|(kind, line, text)| (kind, line, text.to_owned())));
}
