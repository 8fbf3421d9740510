//! The pages are tested like code: plain sentences, links that lead somewhere, snippets that parse, and a table of contents
//! with every page. What commands in them must hold is with the programs (`tests/help_check`), and in
//! `tests/deploy/commands.test.mjs`.

mod contents;
mod data_map;
mod helps;
mod limits;
mod links;
mod page;
mod reading;
mod sentences;
mod snippets;
mod words;
