//! The routes: the tree mirrors the URLs, one action a file. Each handler's doc is its steps, with the status codes
//! that they can end in; the steps that all of them share are in `handle.rs`.

pub(crate) mod healthz;
pub(crate) mod origin;
pub(crate) mod ott;
pub(crate) mod widget;
