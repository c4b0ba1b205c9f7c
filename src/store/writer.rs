//! The sole writer: pictures first, then one transaction for everything about a passage.

use super::alarms::Alarms;
use super::connection::{Database, Lock, sync_dir};
use super::orders::{self, Order, PausedCamera};
use super::outcomes::{self, Answer};
use super::record::{EvidenceFile, MessageKind, ModelVersions, OutboxMessage, Record};
use super::retention::{self, NonHits, Sweep};
use super::rows::{OutboxRow, OutboxStats, Totals};
use super::{
    AuditAction, AuditEntry, AuditHead, Settings, StoreError, audit, conversion, convert, dossier, outbox,
    pictures, salvage, sealing, usage,
};
use crate::domain::{Direction, Hit, HitState, ListVersion, Passage, PassageState, Utc};
use crate::runtime::{HashKey, SigningKey};
use rusqlite::{OptionalExtension, Transaction, TransactionBehavior, named_params, params};
use std::collections::VecDeque;
use std::path::Path;
use std::time::Instant;

/// The open store: owns the one writing connection. Used by the thread `store`; see
/// [`super::start`] for the way in and [`super::StoreHandle`] for what the methods promise.
#[derive(Debug)]
pub struct Store {
    db: Database,
    settings: Settings,
    totals: Totals,
    /// First messages of hits of the last minute: row and time of recording.
    live: VecDeque<(i64, Instant)>,
    /// Rows of the outbox that this run has recorded: the first of a record and when, one a second at most.
    born: VecDeque<(i64, Instant)>,
    /// Messages recorded since the outbox was last held against its bound.
    unbounded: u32,
    /// The box's own key, for the seals of the audit chain.
    key: SigningKey,
    /// What somebody has to take note of.
    alarms: Alarms,
    /// The head of the audit chain as last known, should the database be damaged.
    head: Option<AuditHead>,
    /// The key of the hashes that stand for plates.
    plate_key: HashKey,
    /// The deletion under way.
    sweep: Option<Sweep>,
    /// A commit failed with its outcome unknown: pictures were left for the sweep at the next start.
    unsure: bool,
    lock: Lock,
}

impl Store {
    /// Opens the store, creating or upgrading it, and makes sure that it can be written.
    ///
    /// # Errors
    /// See [`super::start`].
    pub fn open(settings: &Settings) -> Result<Self, StoreError> {
        make_dir(&settings.dir)?;
        let (lock, cut_off) = Lock::take(&settings.dir)?;
        conversion::finish_interrupted(&settings.dir)?;
        make_dir(&settings.pictures())?;
        let (mut db, salvaged) = anew::open_sound(settings)?;
        if let (Some(key), false) = (&settings.key, sealing::is_sealed(&settings.dir)?) {
            sealing::mark(&settings.dir, key)?;
        }
        sync_dir(&settings.dir)?;
        if cut_off {
            let removed = db.pictures.sweep(&db)?;
            tracing::warn!(removed, "the last run was cut off; pictures without a record were removed");
        }
        let made = !settings.box_key().exists();
        let key = SigningKey::read_or_create(&settings.box_key())?;
        if let Some((what, why)) = salvaged {
            salvage::tell(&mut db, &key, &why, &what)?;
        }
        let plate_key = HashKey::read_or_create(&settings.plate_key())?;
        let settings = settings.clone();
        let mut store = Self {
            alarms: Alarms::default(),
            head: None,
            db,
            settings,
            totals: Totals::default(),
            live: VecDeque::new(),
            born: VecDeque::new(),
            unbounded: 0,
            key,
            plate_key,
            sweep: None,
            unsure: false,
            lock,
        };
        if made {
            let entry = AuditEntry::by_box(AuditAction::KeyMade).with("key", store.key.public());
            store.audit(&entry)?;
        }
        Ok(store)
    }

    /// Keeps a record, or nothing of it; see [`super::StoreHandle::record`].
    ///
    /// # Errors
    /// Nothing was kept.
    pub fn record(&mut self, record: &Record) -> Result<(), StoreError> {
        let known = self.known(&record.passage)?;
        let new_hits = self.keep(record, known)?;
        self.note_live(record);
        self.bound_outbox(record);
        self.totals.hits += new_hits;
        if record.passage.state == PassageState::Closed && !known.closed {
            self.totals.passages += 1;
        }
        Ok(())
    }

    /// Pictures, then the transaction; how many hits are new.
    fn keep(&mut self, record: &Record, known: Known) -> Result<u64, StoreError> {
        let with_hits = !record.hits.is_empty() || known.hits;
        let hashed = self.settings.retention.is_some_and(|r| r.non_hits == NonHits::Hash);
        let keep = with_hits || (self.settings.keep_passages && !hashed) || known.row;
        let trace =
            (hashed && !keep && record.passage.state == PassageState::Closed).then_some(&self.plate_key);
        let evidence: &[EvidenceFile] =
            if with_hits || (keep && self.settings.keep_passage_pictures) { &record.evidence } else { &[] };
        let new_files = self.db.pictures.write_all(evidence)?;

        let fail = self.db.fail("recording a passage");
        let written =
            self.db.connection.transaction_with_behavior(TransactionBehavior::Immediate).and_then(|tx| {
                if let Some(key) = trace {
                    retention::write_trace(&tx, &record.passage, key)?;
                }
                let new_hits = write(&tx, record, keep, evidence)?;
                if with_hits {
                    let now = Utc::now();
                    dossier::bind(&tx, &record.passage.id.to_string(), now)?;
                    audit::seal(&tx, &self.key, now, false)?;
                }
                let ended = record.passage.state == PassageState::Closed && !known.closed;
                usage::count(&tx, &record.passage.camera, ended, new_hits)?;
                Ok((tx, new_hits))
            });
        let (tx, new_hits) = match written {
            Ok(written) => written,
            Err(e) => {
                pictures::remove_all(&new_files);
                return Err(fail(e));
            }
        };
        if let Err(e) = tx.commit() {
            // The rows may turn out to be there after all when the log is replayed, and would then name
            // pictures that are gone. So the pictures stay, for the sweep of the next start to judge.
            self.unsure = true;
            return Err(fail(e));
        }
        Ok(new_hits)
    }

    /// What is there of this passage already.
    fn known(&self, passage: &Passage) -> Result<Known, StoreError> {
        self.db
            .connection
            .prepare_cached(
                "SELECT state = 'closed', EXISTS (SELECT 1 FROM hit WHERE passage = passage.id)
                 FROM passage WHERE id = ?1",
            )
            .and_then(|mut s| {
                s.query_row([passage.id.to_string()], |r| {
                    Ok(Known { row: true, closed: r.get(0)?, hits: r.get(1)? })
                })
                .optional()
            })
            .map(Option::unwrap_or_default)
            .map_err(self.db.fail("looking for a passage"))
    }

    /// What was recorded since this was opened.
    pub fn totals(&self) -> Totals {
        self.totals
    }

    /// A message is delivered; see [`super::StoreHandle::outbox_done`].
    ///
    /// # Errors
    /// There is no such message or it was given up on; or the database cannot be written.
    pub fn outbox_done(&mut self, id: i64) -> Result<(), StoreError> {
        outbox::done(&self.db, id, Utc::now())
    }

    /// A message is given up on; see [`super::StoreHandle::outbox_failed`].
    ///
    /// # Errors
    /// There is no such waiting message; or the database cannot be written.
    pub fn outbox_failed(&mut self, id: i64, reason: &str) -> Result<(), StoreError> {
        outbox::failed(&self.db, id, reason, Utc::now())
    }

    /// Keeps an operator's answer; see [`super::StoreHandle::answer`].
    ///
    /// # Errors
    /// The answer is not whole, there is no such hit, or the database cannot be written.
    pub fn answer(&mut self, answer: &Answer) -> Result<(), StoreError> {
        outcomes::keep(&mut self.db, answer)
    }

    /// Keeps what an operator asks; see [`super::StoreHandle::order`].
    ///
    /// # Errors
    /// See there.
    pub fn order(&mut self, order: &Order) -> Result<bool, StoreError> {
        orders::keep(&mut self.db, order, Utc::now())
    }

    /// Cameras that an operator has stopped.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn paused_cameras(&self) -> Result<Vec<PausedCamera>, StoreError> {
        orders::paused(&self.db.connection).map_err(self.db.fail("reading which cameras are paused"))
    }

    /// How the outbox stands.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn outbox_stats(&self) -> Result<OutboxStats, StoreError> {
        Ok(OutboxStats { dropped: self.totals.outbox_dropped, ..outbox::stats(&self.db)? })
    }

    /// Adds to the audit chain; see [`super::StoreHandle::audit`].
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn audit(&mut self, entry: &AuditEntry) -> Result<AuditHead, StoreError> {
        let head = audit::append_sealed(&mut self.db, &self.key, entry, Utc::now(), false)?;
        self.head = Some(head.clone());
        Ok(head)
    }

    /// The latest row of the audit chain.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn audit_head(&self) -> Result<AuditHead, StoreError> {
        audit::head(&self.db.connection).map_err(self.db.fail("reading the audit chain"))
    }

    pub(super) fn database(&self) -> &Database {
        &self.db
    }

    pub(super) fn database_mut(&mut self) -> &mut Database {
        &mut self.db
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        if let Err(cause) = audit::seal(&self.db.connection, &self.key, Utc::now(), true) {
            tracing::warn!(%cause, "the audit chain could not be sealed at the end; the next start goes on with it");
        }
        if !self.unsure && !std::thread::panicking() {
            // Otherwise, and where this fails, the next start sweeps; nothing else depends on it.
            if let Err(cause) = self.lock.ended() {
                tracing::warn!(%cause, "the end of the store could not be noted");
            }
        }
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Known {
    row: bool,
    closed: bool,
    hits: bool,
}

/// Makes a folder with its parents, readable by nobody else: it will hold personal data.
pub(super) fn make_dir(dir: &Path) -> Result<(), StoreError> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .map_err(|e| StoreError::file("making the folder", dir, e))
}

/// Everything of a record; how many hits are new.
fn write(
    tx: &Transaction<'_>,
    record: &Record,
    keep: bool,
    evidence: &[EvidenceFile],
) -> rusqlite::Result<u64> {
    let mut new_hits = 0;
    if keep {
        let models = record.models.as_ref().map(|m| write_models(tx, m)).transpose()?;
        write_passage(tx, &record.passage, models)?;
        for picture in evidence {
            write_evidence(tx, &record.passage, picture)?;
        }
        for hit in &record.hits {
            new_hits += write_hit(tx, &record.passage, hit)?;
        }
    }
    for message in &record.messages {
        write_message(tx, message)?;
    }
    Ok(new_hits)
}

fn write_models(tx: &Transaction<'_>, models: &ModelVersions) -> rusqlite::Result<i64> {
    // DO UPDATE, not DO NOTHING: only then does RETURNING give the row that is there already.
    tx.prepare_cached(
        "INSERT INTO model_versions (detector_sha256, reader_sha256) VALUES (?1, ?2)
         ON CONFLICT DO UPDATE SET reader_sha256 = excluded.reader_sha256 RETURNING id",
    )?
    .query_row([&models.detector_sha256, &models.reader_sha256], |r| r.get(0))
}

/// The first record of a passage inserts, later ones update; a closed one changes no more, so that a
/// record that comes late or twice cannot open it again.
fn write_passage(tx: &Transaction<'_>, p: &Passage, models: Option<i64>) -> rusqlite::Result<()> {
    let [longitude, latitude, heading, accuracy_m] = convert::position(p.position.as_ref());
    tx.prepare_cached(
        "INSERT INTO passage (id, camera, state, first_seen, last_seen, clock_source, clock_error_ms,
             longitude, latitude, heading, accuracy_m, text, confidence, distribution, country, country_p,
             lines, readings, agreement, best_frame, best_frame_at, best_frame_received_at, best_corners, models,
             contradictory, direction, lane, mandate)
         VALUES (:id, :camera, :state, :first_seen, :last_seen, :clock_source, :clock_error_ms,
             :longitude, :latitude, :heading, :accuracy_m, :text, :confidence, :distribution, :country,
             :country_p, :lines, :readings, :agreement, :best_frame, :best_frame_at,
             :best_frame_received_at, :best_corners, :models, :contradictory, :direction, :lane,
             :mandate)
         ON CONFLICT (id) DO UPDATE SET
             state = excluded.state, first_seen = excluded.first_seen, last_seen = excluded.last_seen,
             clock_source = excluded.clock_source, clock_error_ms = excluded.clock_error_ms,
             longitude = excluded.longitude, latitude = excluded.latitude, heading = excluded.heading,
             accuracy_m = excluded.accuracy_m, text = excluded.text, confidence = excluded.confidence,
             distribution = excluded.distribution, country = excluded.country,
             country_p = excluded.country_p, lines = excluded.lines, readings = excluded.readings,
             agreement = excluded.agreement, best_frame = excluded.best_frame,
             best_frame_at = excluded.best_frame_at,
             best_frame_received_at = excluded.best_frame_received_at,
             best_corners = excluded.best_corners, models = coalesce(excluded.models, models),
             contradictory = excluded.contradictory, direction = excluded.direction, lane = excluded.lane,
             mandate = coalesce(excluded.mandate, mandate)
         WHERE state = 'open'",
    )?
    .execute(named_params! {
        ":id": p.id.to_string(),
        ":camera": p.camera.as_str(),
        ":state": convert::state(p.state),
        ":first_seen": p.first_seen.unix_ms(),
        ":last_seen": p.last_seen.unix_ms(),
        ":clock_source": p.clock.source.as_str(),
        ":clock_error_ms": p.clock.error_ms,
        ":longitude": longitude,
        ":latitude": latitude,
        ":heading": heading,
        ":accuracy_m": accuracy_m,
        ":text": p.text.as_str(),
        ":confidence": convert::unit(p.confidence),
        ":distribution": convert::distribution(&p.positions),
        ":country": p.country.as_ref().map(|(c, _)| c.as_str()),
        ":country_p": p.country.map(|(_, p)| convert::unit(p)),
        ":lines": p.lines,
        ":readings": p.readings,
        ":agreement": convert::unit(p.agreement),
        ":best_frame": convert::int(p.best_frame),
        ":best_frame_at": p.best_frame_at.unix_ms(),
        ":best_frame_received_at": p.best_frame_received_at.unix_ms(),
        ":best_corners": convert::corners(&p.best_corners),
        ":models": models,
        ":contradictory": p.contradictory,
        ":direction": p.direction.map(Direction::as_str),
        ":lane": p.lane.as_deref(),
        ":mandate": p.mandate.as_deref(),
    })
    .map(|_| ())
}

fn write_evidence(tx: &Transaction<'_>, passage: &Passage, e: &EvidenceFile) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "INSERT INTO evidence (sha256, width, height, bytes) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
    )?
    .execute(params![e.sha256, e.width, e.height, convert::int(e.jpeg.len() as u64)])?;
    tx.prepare_cached(
        "INSERT INTO passage_evidence (passage, sha256, role, frame_seq, captured_at)
         VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING",
    )?
    .execute(params![
        passage.id.to_string(),
        e.sha256,
        e.role.as_str(),
        convert::int(e.frame_seq),
        e.captured_at.unix_ms(),
    ])
    .map(|_| ())
}

pub(super) fn write_list(tx: &Transaction<'_>, list: &ListVersion) -> rusqlite::Result<i64> {
    tx.prepare_cached(
        "INSERT INTO list_version (name, sha256, loaded_at) VALUES (?1, ?2, ?3)
         ON CONFLICT DO UPDATE SET name = excluded.name RETURNING id",
    )?
    .query_row(params![list.name, list.sha256, list.loaded_at.unix_ms()], |r| r.get(0))
}

/// Inserts or updates a hit; 1 where it is new. Like a passage, a hit that has had its last word changes
/// no more.
pub(super) fn write_hit(tx: &Transaction<'_>, passage: &Passage, hit: &Hit) -> rusqlite::Result<u64> {
    let id = hit.id.to_string();
    let new = !tx.prepare_cached("SELECT 1 FROM hit WHERE id = ?1")?.exists([&id])?;
    let entry = &hit.entry;
    tx.prepare_cached(
        "INSERT INTO hit (id, passage, state, kind, probability, observed, list_version, entry_plate,
             entry_line, entry_category, entry_priority, entry_country, entry_valid_from, entry_valid_until,
             entry_case, entry_instruction, first_decided_at, decided_at)
         VALUES (:id, :passage, :state, :kind, :probability, :observed, :list_version, :entry_plate,
             :entry_line, :entry_category, :entry_priority, :entry_country, :entry_valid_from,
             :entry_valid_until, :entry_case, :entry_instruction, :decided_at, :decided_at)
         ON CONFLICT (id) DO UPDATE SET
             state = excluded.state, kind = excluded.kind, probability = excluded.probability,
             observed = excluded.observed, list_version = excluded.list_version,
             entry_plate = excluded.entry_plate, entry_line = excluded.entry_line,
             entry_category = excluded.entry_category, entry_priority = excluded.entry_priority,
             entry_country = excluded.entry_country, entry_valid_from = excluded.entry_valid_from,
             entry_valid_until = excluded.entry_valid_until, entry_case = excluded.entry_case,
             entry_instruction = excluded.entry_instruction, decided_at = excluded.decided_at
         WHERE state IN (:new, :updated)",
    )?
    .execute(named_params! {
        ":id": id,
        ":passage": hit.passage.to_string(),
        ":state": hit.state.as_str(),
        ":kind": hit.kind.as_str(),
        ":probability": convert::unit(hit.probability),
        ":observed": passage.text.as_str(),
        ":list_version": write_list(tx, &hit.list)?,
        ":entry_plate": entry.plate.as_str(),
        ":entry_line": convert::int(entry.line),
        ":entry_category": entry.category,
        ":entry_priority": entry.priority,
        ":entry_country": entry.country.as_ref().map(|c| c.as_str()),
        ":entry_valid_from": entry.valid_from.map(Utc::unix_ms),
        ":entry_valid_until": entry.valid_until.map(Utc::unix_ms),
        ":entry_case": entry.case,
        ":entry_instruction": entry.instruction,
        ":decided_at": hit.decided_at.unix_ms(),
        ":new": HitState::New.as_str(),
        ":updated": HitState::Updated.as_str(),
    })?;
    Ok(u64::from(new))
}

pub(super) fn write_message(tx: &Transaction<'_>, m: &OutboxMessage) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "INSERT INTO outbox (event_id, kind, hit, topic, payload, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (event_id) DO NOTHING",
    )?
    .execute(params![
        m.event_id,
        m.kind.as_str(),
        m.hit.map(|h| h.to_string()),
        m.topic,
        m.payload,
        m.created_at.unix_ms(),
    ])
    .map(|_| ())
}

mod anew;
mod keeping;
mod live;
#[cfg(test)]
mod tests;
