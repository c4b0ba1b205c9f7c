//! Reading back: the latest hits and passages, from the writer's connection or a read-only one.

use super::connection::Database;
use super::convert;
use super::record::ModelVersions;
use super::retention::{self, Hold};
use super::rows::{
    EvidenceRow, HitQuery, HitRow, OutboxStats, OutcomeRow, PassageQuery, PassageRow, Tally, TallyBy,
    TraceRow,
};
use super::{AuditHead, AuditReport, AuditRow, AuditSeal, Settings, StoreError, audit, outbox, outcomes};
use crate::domain::{
    CameraId, ClockQuality, Country, Direction, Entry, HitId, ListVersion, Listed, Passage, PassageId,
    PlateText, Position, Utc,
};
use crate::runtime::{HashKey, PublicKey};
use rusqlite::{Row, named_params};

/// A read-only connection, for the `log` verb, the console and tests. Each call sees the store as last
/// committed, while the writer goes on.
#[derive(Debug)]
pub struct Reader {
    db: Database,
    /// Device and number of the file that was opened.
    file: Option<(u64, u64)>,
}

impl Reader {
    pub(super) fn database(&self) -> &Database {
        &self.db
    }

    /// Opens the database of `settings.dir` for reading.
    ///
    /// # Errors
    /// There is none yet, it is older or newer than this program, is not ours, or cannot be read.
    pub fn open(settings: &Settings) -> Result<Self, StoreError> {
        // Asked first: a file that comes meanwhile then counts as another one.
        let file = standing::file_of(&settings.database());
        Ok(Self { db: Database::open_reader(settings)?, file })
    }

    /// Hits, the latest first.
    ///
    /// # Errors
    /// The database cannot be read, or holds what platewatch never writes.
    pub fn recent_hits(&self, query: &HitQuery) -> Result<Vec<HitRow>, StoreError> {
        recent_hits(&self.db, query)
    }

    /// Passages, the latest first.
    ///
    /// # Errors
    /// The database cannot be read, or holds what platewatch never writes.
    pub fn recent_passages(&self, query: &PassageQuery) -> Result<Vec<PassageRow>, StoreError> {
        recent_passages(&self.db, query)
    }

    /// The picture with this SHA-256, decrypted where the store is encrypted, and held against it.
    ///
    /// # Errors
    /// It is not there, cannot be read, or its bytes are not those it was kept with.
    pub fn picture(&self, sha256: &str) -> Result<Vec<u8>, StoreError> {
        self.db.pictures.read(sha256)
    }

    /// Looks at the whole audit chain; see [`super::AuditReport`]. With `key`, seals by any other key are
    /// faults; `told` is a head from an earlier `health` message, which must still be in the chain.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn verify_audit(
        &self,
        key: Option<&PublicKey>,
        told: Option<&AuditHead>,
    ) -> Result<AuditReport, StoreError> {
        audit::verify(&self.db, key, told)
    }

    /// Rows of the audit chain from number `since` on, the oldest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn audit_rows(&self, since: u64, limit: usize) -> Result<Vec<AuditRow>, StoreError> {
        audit::rows(&self.db, since, limit)
    }

    /// The seals of the audit chain, the first first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn audit_seals(&self) -> Result<Vec<AuditSeal>, StoreError> {
        audit::read_seals(&self.db)
    }

    /// All holds, the latest first.
    ///
    /// # Errors
    /// The database cannot be read, or holds what platewatch never writes.
    pub fn holds(&self) -> Result<Vec<Hold>, StoreError> {
        retention::list_holds(&self.db)
    }

    /// Traces of passages of `plate`, the latest first: their texts are gone, the keyed hash finds them. None where
    /// the box has no key of hashes.
    ///
    /// # Errors
    /// The key or the database cannot be read.
    pub fn traces(
        &self,
        settings: &Settings,
        plate: &PlateText,
        since: Option<Utc>,
        until: Option<Utc>,
        limit: usize,
    ) -> Result<Vec<TraceRow>, StoreError> {
        if !settings.plate_key().exists() {
            return Ok(Vec::new());
        }
        let key = HashKey::read(&settings.plate_key())?;
        let hash = key.hash(retention::TRACE_DOMAIN, plate.as_str());
        retention::traces(&self.db.connection, &hash, since, until, limit)
            .map_err(self.db.fail("reading traces"))
    }

    /// How the outbox stands.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn outbox_stats(&self) -> Result<OutboxStats, StoreError> {
        outbox::stats(&self.db)
    }

    /// All answers to a hit, the first first; the last one counts.
    ///
    /// # Errors
    /// The database cannot be read, or holds what platewatch never writes.
    pub fn outcomes_of(&self, hit: HitId) -> Result<Vec<OutcomeRow>, StoreError> {
        outcomes::of_hit(&self.db, hit)
    }

    /// Hits first decided at or after `since` and what operators answered, counted.
    ///
    /// # Errors
    /// The database cannot be read, or holds what platewatch never writes.
    pub fn tally(&self, since: Option<Utc>, by: TallyBy) -> Result<Vec<Tally>, StoreError> {
        outcomes::tally(&self.db, since, by)
    }
}

pub(super) fn recent_passages(db: &Database, query: &PassageQuery) -> Result<Vec<PassageRow>, StoreError> {
    let fail = db.fail("reading passages");
    let mut statement = db
        .connection
        .prepare_cached(
            "SELECT p.*, m.detector_sha256, m.reader_sha256,
                 (SELECT count(*) FROM hit WHERE hit.passage = p.id) AS hits
             FROM passage p LEFT JOIN model_versions m ON m.id = p.models
             WHERE (:since IS NULL OR p.first_seen >= :since) AND (:until IS NULL OR p.first_seen < :until)
               AND (:camera IS NULL OR p.camera = :camera) AND (:plate IS NULL OR p.text = :plate)
             ORDER BY p.first_seen DESC, p.id DESC LIMIT :limit",
        )
        .map_err(&fail)?;
    let mut rows = statement
        .query(named_params! {
            ":since": query.since.map(Utc::unix_ms),
            ":until": query.until.map(Utc::unix_ms),
            ":camera": query.camera.as_ref().map(CameraId::as_str),
            ":plate": query.plate.as_ref().map(PlateText::as_str),
            ":limit": convert::int(query.limit as u64),
        })
        .map_err(&fail)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(&fail)? {
        found.push(passage_row(db, row)?);
    }
    Ok(found)
}

fn passage_row(db: &Database, row: &Row<'_>) -> Result<PassageRow, StoreError> {
    let passage = passage(db, row)?;
    let evidence = evidence(db, passage.id)?;
    let models = match (row.get("detector_sha256"), row.get("reader_sha256")) {
        (Ok(detector_sha256), Ok(reader_sha256)) => Some(ModelVersions { detector_sha256, reader_sha256 }),
        _ => None, // NULL: not told
    };
    let hits = convert::uint(row.get("hits").map_err(db.fail("reading passages"))?, "hit.passage")?;
    Ok(PassageRow { passage, models, hits, evidence })
}

/// Passages that change no more; an open one whose last sight lies before `before` was cut off.
const PAST: &str = "(:since IS NULL OR first_seen >= :since) AND (state = 'closed' OR last_seen < :before)";

pub(super) fn count_past(db: &Database, since: Option<Utc>, before: Utc) -> Result<u64, StoreError> {
    let fail = db.fail("counting passages");
    let count: i64 = db
        .connection
        .prepare_cached(&format!("SELECT count(*) FROM passage WHERE {PAST}"))
        .and_then(|mut s| {
            let times = named_params! {":since": since.map(Utc::unix_ms), ":before": before.unix_ms()};
            s.query_row(times, |r| r.get(0))
        })
        .map_err(&fail)?;
    convert::uint(count, "passage.id")
}

pub(super) fn past(
    db: &Database,
    since: Option<Utc>,
    before: Utc,
    after: Option<(Utc, PassageId)>,
    limit: usize,
) -> Result<Vec<Passage>, StoreError> {
    let fail = db.fail("reading passages");
    let mut statement = db
        .connection
        .prepare_cached(&format!(
            "SELECT * FROM passage WHERE {PAST} AND (:at IS NULL OR (first_seen, id) > (:at, :id))
             ORDER BY first_seen, id LIMIT :limit"
        ))
        .map_err(&fail)?;
    let mut rows = statement
        .query(named_params! {
            ":since": since.map(Utc::unix_ms),
            ":before": before.unix_ms(),
            ":at": after.map(|a| a.0.unix_ms()),
            ":id": after.map(|a| a.1.to_string()),
            ":limit": convert::int(limit as u64),
        })
        .map_err(&fail)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(&fail)? {
        found.push(passage(db, row)?);
    }
    Ok(found)
}

/// `passage` with what else is kept of it.
pub(super) fn whole(db: &Database, passage: Passage) -> Result<PassageRow, StoreError> {
    by_id(db, passage.id)
}

/// The passage of this id with what else is kept of it.
pub(super) fn by_id(db: &Database, id: PassageId) -> Result<PassageRow, StoreError> {
    let fail = db.fail("reading a passage");
    let mut statement = db
        .connection
        .prepare_cached(
            "SELECT p.*, m.detector_sha256, m.reader_sha256,
                 (SELECT count(*) FROM hit WHERE hit.passage = p.id) AS hits
             FROM passage p LEFT JOIN model_versions m ON m.id = p.models WHERE p.id = ?1",
        )
        .map_err(&fail)?;
    statement.query_row([id.to_string()], |row| Ok(passage_row(db, row))).map_err(&fail)?
}

fn passage(db: &Database, row: &Row<'_>) -> Result<Passage, StoreError> {
    let fail = db.fail("reading a passage");
    let text = |column: &str| row.get::<_, String>(column).map_err(&fail);
    let number = |column: &str| row.get::<_, i64>(column).map_err(&fail);
    let real = |column: &str| row.get::<_, f64>(column).map(|x| x as f32).map_err(&fail);
    let country = match row.get::<_, Option<String>>("country").map_err(&fail)? {
        Some(code) => Some((country("passage.country", &code)?, real("country_p")?)),
        None => None,
    };
    Ok(Passage {
        id: PassageId::parse(&text("id")?).ok_or(StoreError::Corrupt { column: "passage.id" })?,
        camera: CameraId::new(&text("camera")?),
        state: convert::state_from(&text("state")?)?,
        first_seen: Utc::from_unix_ms(number("first_seen")?),
        last_seen: Utc::from_unix_ms(number("last_seen")?),
        clock: clock(db, row)?,
        position: position(db, row)?,
        text: plate("passage.text", &text("text")?)?,
        confidence: real("confidence")?,
        positions: convert::distribution_from(&text("distribution")?)?,
        country,
        lines: convert::uint(number("lines")?, "passage.lines")?,
        readings: convert::uint(number("readings")?, "passage.readings")?,
        agreement: real("agreement")?,
        contradictory: row.get("contradictory").map_err(&fail)?,
        direction: direction(db, row)?,
        lane: row.get::<_, Option<String>>("lane").map_err(&fail)?.map(Into::into),
        mandate: row.get::<_, Option<String>>("mandate").map_err(&fail)?.map(Into::into),
        best_frame: convert::uint(number("best_frame")?, "passage.best_frame")?,
        best_frame_at: Utc::from_unix_ms(number("best_frame_at")?),
        best_frame_received_at: Utc::from_unix_ms(number("best_frame_received_at")?),
        best_corners: convert::corners_from(&text("best_corners")?)?,
    })
}

fn direction(db: &Database, row: &Row<'_>) -> Result<Option<Direction>, StoreError> {
    let word: Option<String> = row.get("direction").map_err(db.fail("reading a passage"))?;
    word.as_deref().map(convert::direction_from).transpose()
}

pub(super) fn recent_hits(db: &Database, query: &HitQuery) -> Result<Vec<HitRow>, StoreError> {
    let fail = db.fail("reading hits");
    let mut statement = db
        .connection
        .prepare_cached(
            "SELECT h.*, l.name AS list_name, l.sha256 AS list_sha256, l.loaded_at, p.camera, p.confidence,
                 p.first_seen, p.last_seen, p.clock_source, p.clock_error_ms, p.longitude, p.latitude,
                 p.heading, p.accuracy_m, p.contradictory, p.direction, p.lane
             FROM hit h JOIN passage p ON p.id = h.passage JOIN list_version l ON l.id = h.list_version
             WHERE (:since IS NULL OR h.first_decided_at >= :since)
               AND (:until IS NULL OR h.first_decided_at < :until)
               AND (:camera IS NULL OR p.camera = :camera)
               AND (:plate IS NULL OR h.observed = :plate OR h.entry_plate = :plate)
               AND (:list IS NULL OR l.name = :list)
               AND (:late IS NULL OR (h.past_search IS NOT NULL) = :late)
               AND (:seen_since IS NULL OR p.first_seen >= :seen_since)
               AND (NOT :open OR h.state IN ('new', 'updated'))
             ORDER BY h.first_decided_at DESC, h.id DESC LIMIT :limit",
        )
        .map_err(&fail)?;
    let mut rows = statement
        .query(named_params! {
            ":since": query.since.map(Utc::unix_ms),
            ":until": query.until.map(Utc::unix_ms),
            ":camera": query.camera.as_ref().map(CameraId::as_str),
            ":plate": query.plate.as_ref().map(PlateText::as_str),
            ":list": query.list,
            ":late": query.late,
            ":open": query.open,
            ":seen_since": query.seen_since.map(Utc::unix_ms),
            ":limit": convert::int(query.limit as u64),
        })
        .map_err(&fail)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(&fail)? {
        found.push(hit(db, row)?);
    }
    Ok(found)
}

fn hit(db: &Database, row: &Row<'_>) -> Result<HitRow, StoreError> {
    let fail = db.fail("reading a hit");
    let text = |column: &str| row.get::<_, String>(column).map_err(&fail);
    let time = |column: &str| row.get::<_, i64>(column).map(Utc::from_unix_ms).map_err(&fail);
    let maybe_time =
        |column: &str| row.get::<_, Option<i64>>(column).map(|ms| ms.map(Utc::from_unix_ms)).map_err(&fail);
    let number = |column: &str| row.get::<_, i64>(column).map_err(&fail);
    let real = |column: &str| row.get::<_, f64>(column).map(|x| x as f32).map_err(&fail);
    let entry_country: Option<String> = row.get("entry_country").map_err(&fail)?;
    let entry = Entry {
        plate: Listed::new(&text("entry_plate")?)
            .map_err(|_| StoreError::Corrupt { column: "hit.entry_plate" })?,
        line: convert::uint(number("entry_line")?, "hit.entry_line")?,
        category: text("entry_category")?,
        priority: convert::uint(number("entry_priority")?, "hit.entry_priority")?,
        country: entry_country.map(|code| country("hit.entry_country", &code)).transpose()?,
        valid_from: maybe_time("entry_valid_from")?,
        valid_until: maybe_time("entry_valid_until")?,
        case: text("entry_case")?,
        instruction: text("entry_instruction")?,
    };
    let passage = PassageId::parse(&text("passage")?).ok_or(StoreError::Corrupt { column: "hit.passage" })?;
    Ok(HitRow {
        id: HitId::parse(&text("id")?).ok_or(StoreError::Corrupt { column: "hit.id" })?,
        passage,
        camera: CameraId::new(&text("camera")?),
        state: convert::hit_state_from(&text("state")?)?,
        kind: convert::match_kind_from(&text("kind")?)?,
        probability: real("probability")?,
        observed: plate("hit.observed", &text("observed")?)?,
        confidence: real("confidence")?,
        entry,
        list: ListVersion {
            name: text("list_name")?,
            sha256: text("list_sha256")?,
            loaded_at: time("loaded_at")?,
        },
        first_decided_at: time("first_decided_at")?,
        decided_at: time("decided_at")?,
        first_seen: time("first_seen")?,
        last_seen: time("last_seen")?,
        clock: clock(db, row)?,
        contradictory: row.get("contradictory").map_err(&fail)?,
        direction: direction(db, row)?,
        lane: row.get("lane").map_err(&fail)?,
        position: position(db, row)?,
        evidence: evidence(db, passage)?,
        late: row.get::<_, Option<i64>>("past_search").map_err(&fail)?.is_some(),
        outcome: outcomes::last(db, &text("id")?)?,
    })
}

fn evidence(db: &Database, passage: PassageId) -> Result<Vec<EvidenceRow>, StoreError> {
    let fail = db.fail("reading pictures");
    let mut statement = db
        .connection
        .prepare_cached(
            "SELECT l.role, e.sha256, e.width, e.height, e.bytes, l.frame_seq, l.captured_at
             FROM passage_evidence l JOIN evidence e ON e.sha256 = l.sha256
             WHERE l.passage = ?1 ORDER BY l.frame_seq DESC, l.role DESC",
        )
        .map_err(&fail)?;
    let mut rows = statement.query([passage.to_string()]).map_err(&fail)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(&fail)? {
        let role: String = row.get(0).map_err(&fail)?;
        let sha256: String = row.get(1).map_err(&fail)?;
        let number = |i: usize| row.get::<_, i64>(i).map_err(&fail);
        found.push(EvidenceRow {
            role: convert::role_from(&role)?,
            path: db.pictures.path_of(&sha256).ok_or(StoreError::Corrupt { column: "evidence.sha256" })?,
            sha256,
            width: convert::uint(number(2)?, "evidence.width")?,
            height: convert::uint(number(3)?, "evidence.height")?,
            bytes: convert::uint(number(4)?, "evidence.bytes")?,
            frame_seq: convert::uint(number(5)?, "passage_evidence.frame_seq")?,
            captured_at: Utc::from_unix_ms(number(6)?),
        });
    }
    Ok(found)
}

fn clock(db: &Database, row: &Row<'_>) -> Result<ClockQuality, StoreError> {
    let fail = db.fail("reading a clock");
    let source: String = row.get("clock_source").map_err(&fail)?;
    convert::clock_from(&source, row.get("clock_error_ms").map_err(&fail)?)
}

fn position(db: &Database, row: &Row<'_>) -> Result<Option<Position>, StoreError> {
    let get = |column: &str| row.get::<_, Option<f64>>(column).map_err(db.fail("reading a place"));
    Ok(convert::position_from([get("longitude")?, get("latitude")?, get("heading")?, get("accuracy_m")?]))
}

fn plate(column: &'static str, text: &str) -> Result<PlateText, StoreError> {
    PlateText::new(text).map_err(|_| StoreError::Corrupt { column })
}

fn country(column: &'static str, code: &str) -> Result<Country, StoreError> {
    Country::parse(code).ok_or(StoreError::Corrupt { column })
}

mod standing;
