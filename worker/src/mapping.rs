//! KV's mapping from a PAI to its operator. It is a cache, not an authority: what is absent or
//! broken in it is asked for at the origins, and what it contains is checked there.

use crate::call::Call;
use crate::platform::{KvUnavailable, Platform};
use onbill_domain::pai::{Pai, PaiState};
use onbill_domain::wire::kv::PaiMapping;
use onbill_domain::wire::read_object;

/// Finds the mapping in KV; `None` also when KV is unavailable or its value cannot be read.
pub(crate) async fn find_mapping<P: Platform>(call: &Call<'_, P>, pai: Pai) -> Option<PaiMapping> {
    read_mapping(call, pai).await.ok()?
}

async fn read_mapping<P: Platform>(
    call: &Call<'_, P>,
    pai: Pai,
) -> Result<Option<PaiMapping>, KvUnavailable> {
    let value = call.platform.kv_get(&call.config.pai_key(pai)).await;
    let value = value.inspect_err(|_| call.warn("KV does not respond"))?;
    let Some(value) = value else { return Ok(None) };
    let mapping = read_object(value.as_bytes());
    if mapping.is_err() {
        call.warn("a mapping in KV is not well formed");
    }
    Ok(mapping.ok())
}

/// What is known of the other operators when an origin reports a PAI as its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OtherOperators {
    NotAsked,
    /// Every other operator has confirmed that the PAI is not its own.
    Disown,
}

/// How the mapping in KV compares with the one that an origin reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StoredMapping {
    Same,
    /// It is absent, unreadable or older: it is replaced.
    Behind,
    /// It is newer, or another one of the same version: it stays.
    Ahead,
    /// It is another operator's: it stays.
    Foreign,
    /// It is absent, and any operator could have it: nothing is written, and the origins are asked.
    LeftToOrigins,
}

/// Caches `reported`, an origin's own mapping, unless KV has a newer one. One operator's mapping
/// does not replace another operator's: else an origin in the wrong hands could have the other's
/// charges sent to itself. A failing KV is no reason to fail the call: the next one asks the
/// origins.
pub(crate) async fn cache_mapping<P: Platform>(
    call: &Call<'_, P>,
    pai: Pai,
    reported: &PaiMapping,
    others: OtherOperators,
) {
    let stored = find_mapping(call, pai).await;
    // A failure is in the log.
    let _ = replace_if_behind(call, pai, reported, others, stored).await;
}

/// Caches a mapping as [`cache_mapping`] does, for an origin that wants to know the result. Nothing
/// is written when KV cannot be read: it may have a newer mapping.
pub(crate) async fn update_mapping<P: Platform>(
    call: &Call<'_, P>,
    pai: Pai,
    reported: &PaiMapping,
) -> Result<StoredMapping, KvUnavailable> {
    let stored = read_mapping(call, pai).await?;
    replace_if_behind(call, pai, reported, OtherOperators::NotAsked, stored).await
}

/// Compares a mapping as [`update_mapping`] does, and writes nothing. Also returns what KV has, if
/// it is ahead.
pub(crate) async fn compare_mapping<P: Platform>(
    call: &Call<'_, P>,
    pai: Pai,
    reported: &PaiMapping,
) -> Result<(StoredMapping, Option<PaiMapping>), KvUnavailable> {
    let stored = read_mapping(call, pai).await?;
    let comparison = compare_reported(call, pai, stored.as_ref(), reported, OtherOperators::NotAsked);
    Ok((comparison, stored.filter(|_| comparison == StoredMapping::Ahead)))
}

async fn replace_if_behind<P: Platform>(
    call: &Call<'_, P>,
    pai: Pai,
    reported: &PaiMapping,
    others: OtherOperators,
    stored: Option<PaiMapping>,
) -> Result<StoredMapping, KvUnavailable> {
    let comparison = compare_reported(call, pai, stored.as_ref(), reported, others);
    match comparison {
        StoredMapping::Same | StoredMapping::Ahead | StoredMapping::LeftToOrigins => {}
        StoredMapping::Foreign => call.warn("KV maps a PAI to another operator"),
        StoredMapping::Behind => {
            let value = serde_json::to_string(reported).map_err(|_| KvUnavailable)?;
            let written = call.platform.kv_put(&call.config.pai_key(pai), &value).await;
            written.inspect_err(|_| call.warn("KV did not accept a mapping"))?;
        }
    }
    Ok(comparison)
}

/// Compares as [`compare`] does. A PAI that another system issued may be guessable: an origin in the
/// wrong hands could report it before its owner does. Where there are several operators, such a PAI
/// is cached only after all others have disowned it.
fn compare_reported<P: Platform>(
    call: &Call<'_, P>,
    pai: Pai,
    stored: Option<&PaiMapping>,
    reported: &PaiMapping,
    others: OtherOperators,
) -> StoredMapping {
    let is_guessable = pai.random_bytes().is_none() && !call.config.operators().is_one();
    if stored.is_none() && is_guessable && others == OtherOperators::NotAsked {
        return StoredMapping::LeftToOrigins;
    }
    compare_mappings(stored, reported, others)
}

/// `CLOSED` is final; otherwise the higher version is newer. An operator counts its own versions:
/// of two operators, the one that has the PAI now is right.
fn compare_mappings(
    stored: Option<&PaiMapping>,
    reported: &PaiMapping,
    others: OtherOperators,
) -> StoredMapping {
    let Some(stored) = stored else { return StoredMapping::Behind };
    if stored.operator != reported.operator {
        return match others {
            OtherOperators::Disown => StoredMapping::Behind,
            OtherOperators::NotAsked => StoredMapping::Foreign,
        };
    }
    let reopens = stored.state == PaiState::Closed && reported.state != PaiState::Closed;
    if stored == reported {
        StoredMapping::Same
    } else if reopens || stored.version >= reported.version {
        StoredMapping::Ahead
    } else {
        StoredMapping::Behind
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
    fn newer_mapping_stays() {
        use PaiState::{Active, Closed, Suspended};
        let compared = |stored: &PaiMapping, state, version| {
            compare_mappings(Some(stored), &mapping("acme", state, version), OtherOperators::NotAsked)
        };
        let stored = mapping("acme", Suspended, 3);
        assert_eq!(compared(&stored, Active, 2), StoredMapping::Ahead);
        assert_eq!(
            compared(&stored, Suspended, 3),
            StoredMapping::Same,
            "an equal mapping is not written again"
        );
        assert_eq!(compared(&stored, Active, 3), StoredMapping::Ahead, "two mappings of one version");
        assert_eq!(compared(&stored, Active, 4), StoredMapping::Behind);
        let tombstone = mapping("acme", Closed, 3);
        assert_eq!(compared(&tombstone, Active, 9), StoredMapping::Ahead, "closed is final");
        assert_eq!(compared(&tombstone, Closed, 4), StoredMapping::Behind);
    }

    #[test]
    fn foreign_mapping_stays_until_all_others_disown_it() {
        let stored = mapping("acme", PaiState::Active, 3);
        let reported = mapping("nova", PaiState::Active, 1);
        assert_eq!(
            compare_mappings(Some(&stored), &reported, OtherOperators::NotAsked),
            StoredMapping::Foreign
        );
        assert_eq!(compare_mappings(Some(&stored), &reported, OtherOperators::Disown), StoredMapping::Behind);
        assert_eq!(compare_mappings(None, &reported, OtherOperators::NotAsked), StoredMapping::Behind);
    }
}
