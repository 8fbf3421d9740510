//! Submission to billing by files, for a billing system that takes no calls.
//!
//! At each interval the pending jobs are put into a file (`close`), which is written from the
//! database (`write`), and billing's response is carried out (`receive`). The database records
//! every step, and the folder is never the only record: a round that is interrupted at any step is
//! resumed by the next one, of this origin or of another on the same database and folder.

mod close;
mod exchange;
mod names;
mod receive;
mod render;
mod response;
mod rounds;
mod spool;
mod watched_spool;
mod write;

pub use exchange::FileExchange;
pub use spool::{Directory, Folder, Reading, Spool};
pub use watched_spool::WatchedSpool;
