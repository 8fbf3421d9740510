//! Origin → edge: the one call that goes this way. The edge's store follows what the origin's books say of a PAI.

use crate::pai::Pai;
use crate::wire::kv::PaiMapping;
use serde::{Deserialize, Serialize};

/// Path at the edge. Signed with a key of use `origin-to-edge` by the operator that the mapping names.
pub const PAI_MAPPING: &str = "/origin/v1/pai-mapping";

/// What the edge is to remember of a PAI. An older version than the one it knows changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaiMappingRequest {
    /// Which.
    pub pai: Pai,
    /// Whose it is, and what it may be used for.
    pub mapping: PaiMapping,
}
