//! Origin → edge: the mappings in the edge's key-value store follow the origin's database. One PAI
//! is sent when it has changed; all of them, in batches, when the store is compared with the
//! database.

use crate::pai::Pai;
use crate::wire::kv::PaiMapping;
use serde::{Deserialize, Serialize};

/// Path at the edge for the mapping of one PAI. The call is signed with a key of use
/// `origin-to-edge` by the operator that the mapping names.
pub const PAI_MAPPING_PATH: &str = "/origin/v1/pai-mapping";

/// Path at the edge for up to
/// [`PAI_MAPPINGS_PER_CALL_MAX`](crate::limits::PAI_MAPPINGS_PER_CALL_MAX) mappings, signed
/// likewise.
pub const PAI_MAPPINGS_PATH: &str = "/origin/v1/pai-mappings";

/// The mapping of a PAI. An older version than the stored one changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaiMappingRequest {
    /// The PAI that the mapping is for.
    pub pai: Pai,
    /// The operator that has it, and what it may be used for.
    pub mapping: PaiMapping,
}

/// A batch of mappings, each PAI once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PaiMappingsRequest {
    /// The mappings, as the origin's database has them.
    pub mappings: Vec<PaiMappingRequest>,
    /// Whether the edge only compares and writes nothing.
    #[serde(default)]
    pub compare_only: bool,
}

/// How the edge's store compared with a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaiMappingsResponse {
    /// The number of mappings that were equal.
    pub same: usize,
    /// The number of mappings that were missing, unreadable or older. The edge has written them,
    /// unless the call only compared.
    pub behind: usize,
    /// PAIs of which the edge has a later version, or another mapping under the same version. The
    /// edge keeps what it has.
    pub ahead: Vec<Pai>,
    /// PAIs that belong to another operator at the edge. The edge keeps what it has.
    pub foreign: Vec<Pai>,
    /// What the edge has of those in `ahead`, if the call only compared: a database that was
    /// restored from a copy follows it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub later: Vec<PaiMappingRequest>,
}
