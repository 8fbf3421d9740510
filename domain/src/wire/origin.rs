//! Origin → edge. The edge's store follows what the origin's books say of PAIs: of one that has just changed, or of all of
//! them, a batch at a time, when the store is compared with the books.

use crate::pai::Pai;
use crate::wire::kv::PaiMapping;
use serde::{Deserialize, Serialize};

/// Path at the edge. Signed with a key of use `origin-to-edge` by the operator that the mapping names.
pub const PAI_MAPPING_PATH: &str = "/origin/v1/pai-mapping";

/// Path at the edge of the same for up to [`crate::limits::PAI_MAPPINGS_PER_CALL_MAX`] of them. Signed likewise.
pub const PAI_MAPPINGS_PATH: &str = "/origin/v1/pai-mappings";

/// What the edge is to remember of a PAI. An older version than the one it knows changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaiMappingRequest {
    /// Which.
    pub pai: Pai,
    /// Whose it is, and what it may be used for.
    pub mapping: PaiMapping,
}

/// A batch of what the books say, each PAI once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PaiMappingsRequest {
    /// What the books say.
    pub mappings: Vec<PaiMappingRequest>,
    /// Nothing is to be written.
    #[serde(default)]
    pub compare_only: bool,
}

/// What the edge's store had of a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaiMappingsResponse {
    /// How many it had as the books say.
    pub same: usize,
    /// How many were missing, unreadable or older. They are as the books say now, unless the call only compared.
    pub behind: usize,
    /// Which it knows something later of, or something else under the same version. They stay.
    pub ahead: Vec<Pai>,
    /// Which are another operator's there. They stay.
    pub foreign: Vec<Pai>,
}
