//! A list file → a list that may be used: read, its signature checked, under its policy.

use super::import::read_file;
use super::manifest::Accepted;
use super::{ImportError, ImportReport, List, Manifest, ManifestError, Origin, Policy, Settings, Signing};
use crate::domain::Utc;
use std::time::SystemTime;

/// Reads and checks a list as a box does that has just started.
///
/// # Errors
/// Where the file cannot be read, is not signed by who may, has no usable header or too many bad rows.
pub fn load_file(settings: &Settings) -> Result<(List, ImportReport), ImportError> {
    load(settings, None)
}

/// The same while `accepted` is the version of a signed list last taken.
pub(super) fn load(
    settings: &Settings,
    accepted: Option<&Accepted>,
) -> Result<(List, ImportReport), ImportError> {
    let Settings { name, path, mapping, max_bad_share, policy, signing, .. } = settings;
    let refuse = |problem: ManifestError| ImportError::Signature { path: Some(path.clone()), problem };
    let now = Utc::now();
    // The signature first: what nobody vouches for is not even read.
    let manifest = match signing {
        None => None,
        Some(signing) => {
            let manifest = Manifest::read(&signing.manifest, name, &signing.signers, now).map_err(refuse)?;
            if !signing.allow_older
                && let Some(latest) = latest(name, accepted, signing).map_err(refuse)?
            {
                manifest.may_follow(&latest).map_err(refuse)?;
            }
            Some(manifest)
        }
    };
    let modified = std::fs::metadata(path).ok().and_then(|m| m.modified().ok()).map(utc);
    let (list, report) = read_file(path, mapping, name, *max_bad_share, now)?;
    if let Some(manifest) = &manifest {
        manifest.is_of(&list.version().sha256).map_err(refuse)?;
    }
    let made_at = manifest.as_ref().map(|m| m.created).or(modified);
    let zero_for_o = policy.zero_for_o || mapping.zero_for_o();
    let policy =
        Policy { origin: Origin { made_at, manifest, kept_copy: false }, zero_for_o, ..policy.clone() };
    Ok((list.with_policy(policy).with_rules(settings.rules.clone()), report))
}

/// The version of `name` that was last accepted, here or before a restart.
fn latest(
    name: &str,
    accepted: Option<&Accepted>,
    signing: &Signing,
) -> Result<Option<Accepted>, ManifestError> {
    if accepted.is_some() {
        return Ok(accepted.cloned());
    }
    let Some(memory) = &signing.memory else { return Ok(None) };
    Accepted::recall(memory, name).map_err(|e| ManifestError::Unreadable {
        path: memory.join(format!("{name}.accepted")),
        why: e.to_string(),
    })
}

fn utc(time: SystemTime) -> Utc {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Utc::from_unix_ms(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
