//! `/origin/v1`: what an operator's origin tells the edge.

pub(crate) mod pai_mapping;
