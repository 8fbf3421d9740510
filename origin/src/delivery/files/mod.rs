//! Hand-off by files, for a billing that takes no calls.
//!
//! Every so often what waits is put into a file (`close`), which is written from the books (`write`), and billing's
//! response is carried out (`receive`). What has happened is in the books, never only in the folder: a round that was
//! broken off at any step is taken up by the next one, of this origin or of another on the same books and folder.

mod close;
mod exchange;
mod names;
mod receive;
mod render;
mod response;
mod rounds;
mod spool;
mod write;

pub use exchange::FileExchange;
pub use spool::{Directory, Folder, Reading, Spool};
