//! Late hits: passages already kept, searched for the entries of a list that came afterwards.
//!
//! A person asks for it, for a purpose and a case, and [`gate`] answers whether it is allowed; both stand in
//! the database before anything is looked at. What is found is a hit like any other, marked late, with the
//! time of the passage and the time of finding, and goes out through the outbox; a passage never has two
//! hits for the same entry. It runs beside the box or without it.

use crate::alert::{AlertError, BoxIdentity, late_hit_message};
use crate::domain::{Hit, HitId, HitState, Passage, PassageId, Utc};
use crate::hotlist::{HotlistSet, Match, match_past};
use crate::law::purposes_allowed;
use crate::runtime::Stop;
use crate::store::{Clerk, LateHit, PastSearch, SeenUnder, StoreError};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Passages read and judged at a time.
const PAGE: usize = 500;
/// A passage that is still open this long after its last sight was cut off by a crash.
const CUT_OFF_MS: i64 = 600_000;

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Request {
    /// Passages first seen from then on; `None` for all that are kept.
    pub since: Option<Utc>,
    /// Why.
    pub purpose: String,
    /// Reference of the case it is done for.
    pub case: String,
    /// Who asks.
    pub asked_by: String,
    /// Why it was allowed, in the words of the law's gate ([`crate::law::access::Gate`]), which was asked before.
    pub allowed_by: String,
    /// Look and tell, but keep nothing except the record of the search.
    pub dry_run: bool,
    /// Whether a passage is held against the purposes of the mandate it was seen under (policy `enforce`), as a list is
    /// where it is matched as vehicles pass.
    pub by_mandate: bool,
}

/// What the gate says of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Whether the search may be made.
    pub allowed: bool,
    /// Why, for people and for the record.
    pub reason: String,
}

/// Whether stored passages may be searched as asked. Role, purpose and age were decided by the law's gate before, which
/// also set `since`; this refuses under every policy what names no purpose, case or asker.
pub fn gate(request: &Request) -> Answer {
    let missing = [("purpose", &request.purpose), ("case", &request.case), ("asker", &request.asked_by)]
        .into_iter()
        .find(|(_, text)| text.trim().is_empty());
    match missing {
        Some((what, _)) => {
            Answer { allowed: false, reason: format!("a search of stored passages must name its {what}") }
        }
        None => Answer { allowed: true, reason: request.allowed_by.clone() },
    }
}

/// Why a search was not made, or not to its end. What was found until then is kept.
#[derive(Debug, thiserror::Error)]
pub enum PastSearchError {
    /// The gate refused.
    #[error("not allowed: {0}")]
    Refused(String),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A message could not be written.
    #[error(transparent)]
    Alert(#[from] AlertError),
    /// It was stopped from outside.
    #[error("stopped after {passages} passages; {hits} late hits until then are kept")]
    Stopped {
        /// How many it had looked at.
        passages: u64,
        /// How many late hits it had found.
        hits: u64,
    },
}

/// What a search found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// Passages looked at.
    pub passages: u64,
    /// Passages that were not, because the mandate they were seen under does not allow the list; by reason.
    pub left_out: BTreeMap<String, u64>,
    /// Matches whose passage had a hit for that entry already.
    pub known: u64,
    /// Late hits, kept and to be told of (or that would be, in a dry run).
    pub hits: u64,
}

/// A late hit as it is told to who asked.
#[derive(Debug)]
pub struct Late<'a> {
    /// The passage.
    pub passage: &'a Passage,
    /// The hit.
    pub hit: &'a Hit,
}

/// Searches the passages of `clerk`'s store for the entries of the one list of `lists`. `told` is called for each late hit,
/// `progress` with the number of passages looked at; `stop` ends it between two pages.
///
/// Entries are judged by their validity now, not then (see [`match_past`]).
///
/// # Errors
/// See [`PastSearchError`].
pub fn search(
    clerk: &mut Clerk,
    identity: &BoxIdentity,
    lists: &HotlistSet,
    request: &Request,
    stop: &Stop,
    mut told: impl FnMut(Late<'_>),
    mut progress: impl FnMut(u64),
) -> Result<Found, PastSearchError> {
    let answer = gate(request);
    if !answer.allowed {
        return Err(PastSearchError::Refused(answer.reason));
    }
    let now = Utc::now();
    let Some(version) = lists.lists().first().map(|l| l.version().as_ref().clone()) else {
        return Ok(Found::default());
    };
    let search = clerk.begin_search(&PastSearch {
        list: version,
        since: request.since,
        purpose: request.purpose.trim().to_owned(),
        case: request.case.trim().to_owned(),
        asked_by: request.asked_by.trim().to_owned(),
        allowed_by: answer.reason,
        started_at: now,
    })?;
    let seen_under = request.by_mandate.then(|| clerk.seen_under()).transpose()?;
    let purposes: &[String] = lists.lists().first().map_or(&[], |l| l.policy().purposes.as_slice());
    let name = lists.lists().first().map_or("", |l| l.version().name.as_str());
    let before = now.plus_ms(-CUT_OFF_MS);
    let mut found = Found::default();
    let mut after: Option<(Utc, PassageId)> = None;
    loop {
        if stop.requested() {
            return Err(PastSearchError::Stopped { passages: found.passages, hits: found.hits });
        }
        let page = clerk.past(request.since, before, after, PAGE)?;
        let Some(last) = page.last() else { break };
        after = Some((last.first_seen, last.id));
        let mut late = Vec::new();
        for passage in page {
            if let Some(why) = seen_under.as_ref().and_then(|s| not_allowed(s, &passage, name, purposes)) {
                *found.left_out.entry(why).or_default() += 1;
                continue;
            }
            found.passages += 1;
            for m in match_past(lists, &passage, now) {
                let hit = hit(&passage, &m);
                if clerk.knows(passage.id, &hit)? {
                    found.known += 1;
                } else {
                    told(Late { passage: &passage, hit: &hit });
                    late.push(with_messages(clerk, identity, &passage, hit)?);
                }
            }
        }
        found.hits += match request.dry_run {
            true => late.len() as u64,
            false if late.is_empty() => 0,
            false => clerk.record_late(search, &late)?,
        };
        progress(found.passages + found.left_out.values().sum::<u64>());
    }
    clerk.end_search(search, found.passages, Utc::now())?;
    Ok(found)
}

/// Why the list may not be held against the passage. One that was seen under no mandate was seen where none is needed.
fn not_allowed(seen_under: &SeenUnder, passage: &Passage, list: &str, purposes: &[String]) -> Option<String> {
    let mandate = passage.mandate.as_deref()?;
    match seen_under.purposes(passage) {
        Some(allowed) => purposes_allowed(mandate, allowed, list, purposes).err(),
        None => Some(format!("the register does not say for what the mandate {mandate} was given")),
    }
}

/// The vehicle has left, so the hit is in its last state at once.
fn hit(passage: &Passage, m: &Match) -> Hit {
    Hit {
        id: HitId::generate(),
        passage: passage.id,
        state: HitState::Final,
        kind: m.kind,
        probability: m.probability,
        entry: Arc::clone(&m.entry),
        list: Arc::clone(&m.list),
        decided_at: Utc::now(),
    }
}

/// Like a vehicle that was sure enough only at the end: `new` and `final` at once, so that every hit has both.
fn with_messages(
    clerk: &Clerk,
    identity: &BoxIdentity,
    passage: &Passage,
    hit: Hit,
) -> Result<LateHit, PastSearchError> {
    let kept = clerk.whole(passage.clone())?;
    let first = Hit { state: HitState::New, ..hit.clone() };
    let messages = [&first, &hit].map(|h| late_hit_message(identity, &kept, h, hit.decided_at));
    let messages = messages.into_iter().collect::<Result<_, _>>()?;
    Ok(LateHit { passage: kept.passage, hit, messages })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gate_asks_for_purpose_case_and_asker() {
        let whole = Request {
            since: None,
            purpose: "theft".into(),
            case: "AN.11.L9.1/2026".into(),
            asked_by: "Peeters".into(),
            allowed_by: "investigator".into(),
            dry_run: false,
            by_mandate: true,
        };
        assert!(gate(&whole).allowed);
        assert_eq!(gate(&whole).reason, "investigator");
        for bad in [
            Request { purpose: " ".into(), ..whole.clone() },
            Request { case: String::new(), ..whole.clone() },
            Request { asked_by: String::new(), ..whole.clone() },
        ] {
            assert!(!gate(&bad).allowed, "{bad:?}");
        }
    }
}
