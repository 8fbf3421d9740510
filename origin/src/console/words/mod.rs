//! Words of the wire and of the database as people at the console read them. Each match names every
//! variant, so that a new one does not compile without its words.

mod audit;
mod sign_up;
mod work;

pub(super) use audit::{act_words, outcome_words, role_words, tried_words};
pub(super) use sign_up::{channel_words, proof_words};
pub(super) use work::{job_words, queue_words};
