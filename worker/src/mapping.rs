//! The store's mapping from a PAI to its operator. It is a memory, not an authority: what is absent or broken in it is
//! asked for at the origins, and what it says is checked there.

use crate::call::Call;
use crate::platform::Platform;
use onbill_domain::pai::{Pai, PaiState};
use onbill_domain::wire::kv::{PaiMapping, pai_key};

/// What the store says; `None` also when it does not answer or what it says cannot be read.
pub(crate) async fn recall<P: Platform>(call: &Call<'_, P>, pai: Pai) -> Option<PaiMapping> {
    read(call, pai).await?
}

/// What the store says: `None` when it does not answer, nothing when what it says cannot be read.
async fn read<P: Platform>(call: &Call<'_, P>, pai: Pai) -> Option<Option<PaiMapping>> {
    let Ok(value) = call.platform.kv_get(&pai_key(pai)).await else {
        call.warn("the store does not answer");
        return None;
    };
    let Some(value) = value else { return Some(None) };
    let mapping = serde_json::from_str(&value);
    if mapping.is_err() {
        call.warn("a stored mapping is not well formed");
    }
    Some(mapping.ok())
}

/// Who else has been heard when an origin says that a PAI is its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Others {
    /// Nobody was asked.
    NotAsked,
    /// Every other operator says that it is not its own.
    Disown,
}

/// Writes `fresh`, an origin's own word, unless the store knows better. One operator's word does not replace another
/// operator's mapping: else an origin in the wrong hands could have the other's charges sent to itself. A failing
/// store is no reason to fail the call: the next one asks the origins.
pub(crate) async fn remember<P: Platform>(call: &Call<'_, P>, pai: Pai, fresh: &PaiMapping, others: Others) {
    // What came of it is in the log.
    let _ = keep(call, pai, fresh, others, recall(call, pai).await).await;
}

/// What the store had when it heard an origin's word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Had {
    /// That word.
    Same,
    /// Nothing, nothing readable, or an earlier word: it is written over.
    Behind,
    /// A later word, or another one under the same version: it stays.
    Ahead,
    /// Another operator's: it stays.
    Foreign,
}

/// Writes an origin's word as [`remember`] does, for an origin that wants to know what came of it: `None` when the store
/// fails. Unless it is known what is there, nothing is written: it may be a later word.
pub(crate) async fn follow<P: Platform>(call: &Call<'_, P>, pai: Pai, fresh: &PaiMapping) -> Option<Had> {
    let stored = read(call, pai).await?;
    keep(call, pai, fresh, Others::NotAsked, stored).await
}

/// What [`follow`] would come upon, and nothing is written.
pub(crate) async fn compare<P: Platform>(call: &Call<'_, P>, pai: Pai, fresh: &PaiMapping) -> Option<Had> {
    Some(judge(read(call, pai).await?.as_ref(), fresh, Others::NotAsked))
}

async fn keep<P: Platform>(
    call: &Call<'_, P>,
    pai: Pai,
    fresh: &PaiMapping,
    others: Others,
    stored: Option<PaiMapping>,
) -> Option<Had> {
    let had = judge(stored.as_ref(), fresh, others);
    match had {
        Had::Same | Had::Ahead => {}
        Had::Foreign => call.warn("the store says that a PAI is another operator's"),
        Had::Behind => {
            let value = serde_json::to_string(fresh).ok()?;
            if call.platform.kv_put(&pai_key(pai), &value).await.is_err() {
                call.warn("the store does not take a mapping");
                return None;
            }
        }
    }
    Some(had)
}

/// Closed is for ever; otherwise the higher version is later. Versions are counted by an operator: of two of them, the one
/// that answers for the PAI now is right.
fn judge(stored: Option<&PaiMapping>, fresh: &PaiMapping, others: Others) -> Had {
    let Some(stored) = stored else { return Had::Behind };
    if stored.operator != fresh.operator {
        return if others == Others::Disown { Had::Behind } else { Had::Foreign };
    }
    let closed = stored.state == PaiState::Closed && fresh.state != PaiState::Closed;
    if stored == fresh {
        Had::Same
    } else if closed || stored.version >= fresh.version {
        Had::Ahead
    } else {
        Had::Behind
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use onbill_domain::ids::OperatorId;

    fn mapping(operator: &str, state: PaiState, version: u64) -> PaiMapping {
        let operator = OperatorId::parse(operator).expect("is a slug");
        PaiMapping { operator, subscriber: "h".to_owned(), state, version }
    }

    #[test]
    fn the_later_word_stays() {
        use PaiState::{Active, Closed, Suspended};
        let judged = |stored: &PaiMapping, state, version| {
            judge(Some(stored), &mapping("acme", state, version), Others::NotAsked)
        };
        let stored = mapping("acme", Suspended, 3);
        assert_eq!(judged(&stored, Active, 2), Had::Ahead);
        assert_eq!(judged(&stored, Suspended, 3), Had::Same, "the same is not written again");
        assert_eq!(judged(&stored, Active, 3), Had::Ahead, "two words under one version");
        assert_eq!(judged(&stored, Active, 4), Had::Behind);
        let tombstone = mapping("acme", Closed, 3);
        assert_eq!(judged(&tombstone, Active, 9), Had::Ahead, "closed is for ever");
        assert_eq!(judged(&tombstone, Closed, 4), Had::Behind);
    }

    #[test]
    fn another_operators_gives_way_only_when_every_other_operator_disowns_it() {
        let stored = mapping("acme", PaiState::Active, 3);
        let fresh = mapping("nova", PaiState::Active, 1);
        assert_eq!(judge(Some(&stored), &fresh, Others::NotAsked), Had::Foreign);
        assert_eq!(judge(Some(&stored), &fresh, Others::Disown), Had::Behind);
        assert_eq!(judge(None, &fresh, Others::NotAsked), Had::Behind);
    }
}
