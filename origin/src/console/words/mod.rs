//! Words of the wire and of the database as people at the console read them. Each match names every
//! variant, so that a new one does not compile without its words.

mod audit;

pub(super) use audit::{act_words, outcome_words, role_words, tried_words};
