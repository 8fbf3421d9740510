//! What every database must do with the books: one suite of claims, run over each implementation of `Store`.

#![cfg(test)]

mod charges;
mod flows;
mod hand_off;
mod imports;
mod setting;
mod signups;
