//! The store's own thread, and how everyone else talks to it: one bounded queue of commands, each
//! answered; so a slow disk is felt by those who record and nothing piles up unseen.

use super::orders::{Order, PausedCamera};
use super::outcomes::Answer;
use super::record::Record;
use super::rows::{HitQuery, HitRow, OutboxRow, OutboxStats, PassageQuery, PassageRow, Totals};
use super::settings::Settings;
use super::usage::UseChange;
use super::writer::Store;
use super::{Alarm, AuditEntry, AuditHead, LawInForce, NewLook, StoreError, queries, retention};
use crate::domain::Utc;
use crossbeam_channel::{Receiver, RecvTimeoutError, SendTimeoutError, Sender, TryRecvError, bounded};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

mod pulse;

use pulse::Pulse;

/// Commands that may wait; more make the callers wait. Each is one caller, so this is never memory.
const QUEUE: usize = 64;

/// How long those wait who have something better to do than to wait for a disk: publishing, health, the watchdog.
/// A commit takes milliseconds on a sound disk, on a slow card some hundred.
pub const PATIENCE: Duration = Duration::from_secs(3);

type Reply<T> = Sender<Result<T, StoreError>>;

enum Command {
    Record(Arc<Record>, Reply<()>),
    OutboxNext(usize, Reply<Vec<OutboxRow>>),
    OutboxDone(i64, Reply<()>),
    OutboxFailed(i64, String, Reply<()>),
    OutboxStats(Reply<OutboxStats>),
    Answer(Box<Answer>, Reply<()>),
    Order(Box<Order>, Reply<bool>),
    PausedCameras(Reply<Vec<PausedCamera>>),
    Audit(AuditEntry, Reply<AuditHead>),
    Look(Box<NewLook>, Reply<()>),
    SetLaw(Box<LawInForce>, Reply<()>),
    Usage(Box<UseChange>, Utc, Reply<()>),
    AuditHead(Reply<AuditHead>),
    Alarms(Reply<Vec<Alarm>>),
    Totals(Reply<Totals>),
    RecentHits(HitQuery, Reply<Vec<HitRow>>),
    RecentPassages(PassageQuery, Reply<Vec<PassageRow>>),
    Stop,
}

/// Talks to the store's thread. Clones share it; every method waits for the answer, those that say so not for
/// longer than [`PATIENCE`].
#[derive(Debug, Clone)]
pub struct StoreHandle {
    commands: Sender<Command>,
    outbox: Receiver<()>,
    pulse: Arc<Pulse>,
}

impl std::fmt::Debug for Command {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Command")
    }
}

/// The running thread; [`StoreThread::join`] ends it.
#[derive(Debug)]
pub struct StoreThread {
    commands: Sender<Command>,
    ended: Receiver<()>,
    thread: std::thread::JoinHandle<()>,
}

/// Opens the store of `settings.dir`, creating folder and database or upgrading them as needed, and
/// starts the thread `store`, its sole writer.
///
/// # Errors
/// Every reason for which nothing could be recorded: the folder cannot be made or written, another
/// process holds it, the database is newer than this program, is not ours, or cannot be upgraded.
pub fn start(settings: &Settings) -> Result<(StoreHandle, StoreThread), StoreError> {
    let (wake, outbox) = bounded(1);
    let mut store = Store::open(settings)?;
    if store.outbox_stats()?.pending > 0 {
        let _ = wake.try_send(());
    }
    let (commands, queue) = bounded(QUEUE);
    let (ending, ended) = bounded::<()>(1);
    let pulse = Arc::new(Pulse { began: Instant::now(), busy_since: AtomicU64::new(0) });
    let beat = Arc::clone(&pulse);
    let thread = std::thread::Builder::new()
        .name("store".into())
        .spawn(move || {
            serve(&mut store, &queue, &wake, &beat);
            drop(store); // closes the database and says so in the lock file before the end is told
            drop(ending);
        })
        .map_err(|source| StoreError::Thread { source })?;
    Ok((StoreHandle { commands: commands.clone(), outbox, pulse }, StoreThread { commands, ended, thread }))
}

/// Answers commands until told to stop or until nobody can send any more. A caller that has gone away
/// does not matter, hence the ignored sends of answers.
fn serve(store: &mut Store, queue: &Receiver<Command>, wake: &Sender<()>, pulse: &Pulse) {
    let mut sweeps = Sweeps::new();
    while let Some(command) = sweeps.next(store, queue, pulse) {
        pulse.at_work();
        match command {
            Command::Record(record, reply) => {
                let wakes = !record.messages.is_empty();
                let outcome = mended(store, |s| s.record(&record));
                if wakes && outcome.is_ok() {
                    // Full means that the publisher has not yet looked since the last time.
                    let _ = wake.try_send(());
                }
                let _ = reply.send(outcome);
            }
            Command::OutboxNext(limit, reply) => drop(reply.send(mended(store, |s| s.outbox_next(limit)))),
            Command::OutboxDone(id, reply) => drop(reply.send(mended(store, |s| s.outbox_done(id)))),
            Command::OutboxFailed(id, reason, reply) => {
                drop(reply.send(mended(store, |s| s.outbox_failed(id, &reason))));
            }
            Command::OutboxStats(reply) => drop(reply.send(mended(store, |s| s.outbox_stats()))),
            Command::Answer(answer, reply) => drop(reply.send(mended(store, |s| s.answer(&answer)))),
            Command::Order(order, reply) => {
                let kept = mended(store, |s| s.order(&order));
                if kept.is_ok() {
                    let _ = wake.try_send(()); // it may have revived messages
                }
                let _ = reply.send(kept);
            }
            Command::PausedCameras(reply) => drop(reply.send(mended(store, |s| s.paused_cameras()))),
            Command::Audit(entry, reply) => drop(reply.send(mended(store, |s| s.audit(&entry)))),
            Command::Look(look, reply) => drop(reply.send(mended(store, |s| s.look(&look)))),
            Command::SetLaw(law, reply) => drop(reply.send(mended(store, |s| s.set_law(&law, Utc::now())))),
            Command::Usage(change, now, reply) => drop(reply.send(mended(store, |s| s.usage(&change, now)))),
            Command::AuditHead(reply) => drop(reply.send(mended(store, |s| s.audit_head()))),
            Command::Alarms(reply) => drop(reply.send(mended(store, Store::alarms))),
            Command::Totals(reply) => drop(reply.send(Ok(store.totals()))),
            Command::RecentHits(query, reply) => {
                drop(reply.send(queries::recent_hits(store.database(), &query)));
            }
            Command::RecentPassages(query, reply) => {
                drop(reply.send(queries::recent_passages(store.database(), &query)));
            }
            Command::Stop => break,
        }
        pulse.idle();
    }
}

/// Does it; where the database turns out to be damaged, moves it aside, begins a new one and does it there.
pub(super) fn mended<T>(
    store: &mut Store,
    mut what: impl FnMut(&mut Store) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    match what(store) {
        Err(StoreError::Damaged { what: why, .. }) => {
            store.begin_anew(&why)?;
            what(store)
        }
        other => other,
    }
}

/// Commands, and between them pieces of deletion.
struct Sweeps {
    /// When the next pass begins.
    due: Instant,
    /// When the last one began by the box's clock, which may be set while it runs.
    began: Utc,
    under_way: bool,
    /// Commands answered since the last piece.
    answered: u32,
}

/// A piece of deletion at the latest after so many commands: a box that is never idle must forget too.
const COMMANDS_A_PIECE: u32 = 32;

/// A clock set forth by more than this may be wrong.
const FORTH_MS: i64 = 24 * 3600 * 1000;
/// And then nothing is deleted by age for so long.
const HELD_BACK: Duration = Duration::from_secs(3600);

impl Sweeps {
    fn new() -> Self {
        Self { due: Instant::now(), began: Utc::now(), under_way: false, answered: 0 }
    }

    /// The next command; `None` when nobody can send any more. Deletes while there is none.
    fn next(&mut self, store: &mut Store, queue: &Receiver<Command>, pulse: &Pulse) -> Option<Command> {
        loop {
            let every_ms = retention::EVERY.as_millis() as i64;
            let since_ms = Utc::now().since_ms(self.began);
            let clock_set = since_ms.abs() >= every_ms;
            if !self.under_way && (clock_set || Instant::now() >= self.due) {
                self.began = Utc::now();
                if since_ms > FORTH_MS {
                    // Set wrongly, it would delete everything before anyone could set it right.
                    tracing::error!(
                        forth_ms = since_ms,
                        "the clock was set forth by more than a day: nothing is deleted by age for an hour"
                    );
                    self.due = Instant::now() + HELD_BACK;
                } else {
                    (self.under_way, self.due) = (true, Instant::now() + retention::EVERY);
                }
            }
            if self.under_way {
                if self.answered < COMMANDS_A_PIECE {
                    match queue.try_recv() {
                        Ok(command) => {
                            self.answered += 1;
                            return Some(command);
                        }
                        Err(TryRecvError::Disconnected) => return None,
                        Err(TryRecvError::Empty) => {}
                    }
                }
                self.answered = 0;
                pulse.at_work();
                let deleted = mended(store, |s| s.delete_expired(Utc::now()));
                pulse.idle();
                self.under_way = deleted.unwrap_or_else(|error| {
                    tracing::error!(%error, "what has passed its term cannot be deleted yet; tried again in ten minutes");
                    false
                });
                continue;
            }
            match queue.recv_timeout(self.due.saturating_duration_since(Instant::now())) {
                Ok(command) => return Some(command),
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }
}

impl StoreHandle {
    fn ask<T>(&self, command: impl FnOnce(Reply<T>) -> Command) -> Result<T, StoreError> {
        let (reply, answer) = bounded(1);
        self.commands.send(command(reply)).map_err(|_| StoreError::Stopped)?;
        answer.recv().map_err(|_| StoreError::Stopped)?
    }

    /// As `ask`, but not for longer than [`PATIENCE`], and not at all while the thread has been at something for
    /// that long. What was asked may then still be done.
    fn ask_briefly<T>(&self, command: impl FnOnce(Reply<T>) -> Command) -> Result<T, StoreError> {
        let answer = self.begin(command)?;
        match answer.recv_timeout(PATIENCE) {
            Ok(answer) => answer,
            Err(RecvTimeoutError::Timeout) => Err(StoreError::Slow { silent: self.silent().max(PATIENCE) }),
            Err(RecvTimeoutError::Disconnected) => Err(StoreError::Stopped),
        }
    }

    /// Queues a command and does not wait for the answer.
    fn begin<T>(
        &self,
        command: impl FnOnce(Reply<T>) -> Command,
    ) -> Result<Receiver<Result<T, StoreError>>, StoreError> {
        let silent = self.silent();
        if silent >= PATIENCE {
            return Err(StoreError::Slow { silent });
        }
        let (reply, answer) = bounded(1);
        match self.commands.send_timeout(command(reply), PATIENCE) {
            Ok(()) => Ok(answer),
            Err(SendTimeoutError::Timeout(_)) => {
                Err(StoreError::Slow { silent: self.silent().max(PATIENCE) })
            }
            Err(SendTimeoutError::Disconnected(_)) => Err(StoreError::Stopped),
        }
    }

    /// For how long the thread has been at one command now; zero where it waits for one.
    pub fn silent(&self) -> Duration {
        self.pulse.silent()
    }

    /// Keeps a passage with its hits, pictures and messages in one transaction; on disk, fsynced, when
    /// this returns `Ok`. The same record may be given again: known messages and pictures are left alone.
    ///
    /// A passage without any hit is kept only with `keep_passages`, its pictures only with
    /// `keep_passage_pictures`; its messages are always taken.
    ///
    /// # Errors
    /// Nothing of the record was kept; the caller still has it to lose or to try again
    /// ([`StoreError::is_transient`]).
    pub fn record(&self, record: Record) -> Result<(), StoreError> {
        self.ask(|reply| Command::Record(Arc::new(record), reply))
    }

    /// Begins [`Self::record`]; the answer comes over the channel.
    ///
    /// # Errors
    /// [`StoreError::Slow`] where the store is at something else for too long: nothing was begun.
    /// [`StoreError::Stopped`].
    pub fn begin_record(&self, record: &Arc<Record>) -> Result<Receiver<Result<(), StoreError>>, StoreError> {
        self.begin(|reply| Command::Record(Arc::clone(record), reply))
    }

    /// Up to `limit` waiting messages: hits before passages, each in the order of recording.
    ///
    /// # Errors
    /// The database cannot be read, or the store has ended.
    pub fn outbox_next(&self, limit: usize) -> Result<Vec<OutboxRow>, StoreError> {
        self.ask_briefly(|reply| Command::OutboxNext(limit, reply))
    }

    /// The broker has acknowledged message `id`. Saying so twice is fine.
    ///
    /// # Errors
    /// There is no such message or it was given up on; or the database cannot be written.
    pub fn outbox_done(&self, id: i64) -> Result<(), StoreError> {
        self.ask_briefly(|reply| Command::OutboxDone(id, reply))
    }

    /// Message `id` can never be delivered (too large, refused for good): it is kept aside with `reason`.
    ///
    /// # Errors
    /// There is no such waiting message; or the database cannot be written.
    pub fn outbox_failed(&self, id: i64, reason: &str) -> Result<(), StoreError> {
        self.ask_briefly(|reply| Command::OutboxFailed(id, reason.to_owned(), reply))
    }

    /// Keeps an operator's answer to a hit in one transaction. An earlier answer stays; the last one counts.
    ///
    /// # Errors
    /// [`StoreError::Answer`] or [`StoreError::UnknownHit`] where it cannot be kept as it is; the database
    /// cannot be written, or the store has ended.
    pub fn answer(&self, answer: Answer) -> Result<(), StoreError> {
        self.ask(|reply| Command::Answer(Box::new(answer), reply))
    }

    /// Keeps what an operator asks, with its row in the audit chain, in one transaction; `Ok(false)` where the id of
    /// the message was known for its signer and nothing was done.
    ///
    /// # Errors
    /// As [`Self::answer`]; the id is then not used up.
    pub fn order(&self, order: Order) -> Result<bool, StoreError> {
        self.ask_briefly(|reply| Command::Order(Box::new(order), reply))
    }

    /// Cameras that an operator has stopped and not let go on.
    ///
    /// # Errors
    /// The database cannot be read, or the store has ended.
    pub fn paused_cameras(&self) -> Result<Vec<PausedCamera>, StoreError> {
        self.ask(Command::PausedCameras)
    }

    /// How the outbox stands.
    ///
    /// # Errors
    /// The database cannot be read, or the store has ended.
    pub fn outbox_stats(&self) -> Result<OutboxStats, StoreError> {
        self.ask_briefly(Command::OutboxStats)
    }

    /// Adds a row to the audit chain, on disk when this returns, and its new head.
    ///
    /// # Errors
    /// The database cannot be written, or the store has ended.
    pub fn audit(&self, entry: AuditEntry) -> Result<AuditHead, StoreError> {
        self.ask(|reply| Command::Audit(entry, reply))
    }

    /// Puts a look on record, in the audit chain too, before anything is shown.
    ///
    /// # Errors
    /// It is not on record: then nothing may be shown.
    pub fn look(&self, look: NewLook) -> Result<(), StoreError> {
        self.ask(|reply| Command::Look(Box::new(look), reply))
    }

    /// Puts the law of this start on record, for verbs that open the store beside the box.
    ///
    /// # Errors
    /// The database cannot be written, or the store has ended.
    pub fn set_law(&self, law: LawInForce) -> Result<(), StoreError> {
        self.ask(|reply| Command::SetLaw(Box::new(law), reply))
    }

    /// Tells the register of use, on disk when this returns.
    ///
    /// # Errors
    /// The database cannot be written, or the store has ended.
    pub fn usage(&self, change: UseChange, now: Utc) -> Result<(), StoreError> {
        self.ask_briefly(|reply| Command::Usage(Box::new(change), now, reply))
    }

    /// The latest row of the audit chain.
    ///
    /// # Errors
    /// The database cannot be read, or the store has ended.
    pub fn audit_head(&self) -> Result<AuditHead, StoreError> {
        self.ask_briefly(Command::AuditHead)
    }

    /// Begins [`Self::audit`]; the answer comes over the channel.
    ///
    /// # Errors
    /// [`StoreError::Slow`]: nothing was begun. [`StoreError::Stopped`].
    pub fn begin_audit(
        &self,
        entry: &AuditEntry,
    ) -> Result<Receiver<Result<AuditHead, StoreError>>, StoreError> {
        self.begin(|reply| Command::Audit(entry.clone(), reply))
    }

    /// Alarms that nobody has acknowledged, the oldest first.
    ///
    /// # Errors
    /// The database cannot be read, does not answer in [`PATIENCE`], or the store has ended.
    pub fn alarms(&self) -> Result<Vec<Alarm>, StoreError> {
        self.ask_briefly(Command::Alarms)
    }

    /// Told after messages were recorded (and at once where some waited from before). For one
    /// publisher: clones of this receiver share one place, so each signal reaches only one of them.
    pub fn subscribe_outbox(&self) -> Receiver<()> {
        self.outbox.clone()
    }

    /// What was recorded since the start.
    ///
    /// # Errors
    /// The store has ended.
    pub fn totals(&self) -> Result<Totals, StoreError> {
        self.ask_briefly(Command::Totals)
    }

    /// Hits, the latest first. Keeps recording waiting meanwhile; a [`super::Reader`] does not.
    ///
    /// # Errors
    /// The database cannot be read, or the store has ended.
    pub fn recent_hits(&self, query: &HitQuery) -> Result<Vec<HitRow>, StoreError> {
        self.ask(|reply| Command::RecentHits(query.clone(), reply))
    }

    /// Passages, the latest first. Keeps recording waiting meanwhile; a [`super::Reader`] does not.
    ///
    /// # Errors
    /// The database cannot be read, or the store has ended.
    pub fn recent_passages(&self, query: &PassageQuery) -> Result<Vec<PassageRow>, StoreError> {
        self.ask(|reply| Command::RecentPassages(query.clone(), reply))
    }
}

impl StoreThread {
    /// Whether it is still there to answer; false after a defect of ours ended it.
    pub fn is_running(&self) -> bool {
        !self.thread.is_finished()
    }

    /// Finishes what was asked before this call, closes the database and ends the thread. Handles that
    /// are left answer [`StoreError::Stopped`] from then on.
    ///
    /// # Errors
    /// [`StoreError::Late`] where that takes longer than `deadline`; [`StoreError::Stopped`] where the
    /// thread had died.
    pub fn join(self, deadline: Duration) -> Result<(), StoreError> {
        let start = Instant::now();
        let late = || StoreError::Late { deadline };
        match self.commands.send_timeout(Command::Stop, deadline) {
            Ok(()) | Err(crossbeam_channel::SendTimeoutError::Disconnected(_)) => {}
            Err(crossbeam_channel::SendTimeoutError::Timeout(_)) => return Err(late()),
        }
        match self.ended.recv_timeout(deadline.saturating_sub(start.elapsed())) {
            // The channel carries nothing: its end is the signal.
            Ok(()) | Err(crossbeam_channel::RecvTimeoutError::Disconnected) => {
                self.thread.join().map_err(|_| StoreError::Stopped)
            }
            Err(crossbeam_channel::RecvTimeoutError::Timeout) => Err(late()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::super::{Reader, Settings};
    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    fn started() -> (tempfile::TempDir, Settings, StoreHandle, StoreThread) {
        let dir = tempfile::tempdir().unwrap();
        let settings = settings(dir.path());
        let (handle, thread) = start(&settings).unwrap();
        (dir, settings, handle, thread)
    }

    #[test]
    fn recording_wakes_the_publisher_and_so_does_a_start_with_a_backlog() {
        let (_dir, settings, handle, thread) = started();
        let wake = handle.subscribe_outbox();
        assert!(wake.try_recv().is_err());
        handle.record(plain("1AAA111", 0)).unwrap();
        assert!(wake.try_recv().is_err(), "nothing to publish");
        handle.record(full("e1")).unwrap();
        handle.record(full("e2")).unwrap();
        wake.recv_timeout(LONG).unwrap();
        assert_eq!(handle.outbox_next(10).unwrap().len(), 2);
        assert_eq!(handle.totals().unwrap().hits, 2);
        assert_eq!(handle.recent_hits(&HitQuery::default()).unwrap().len(), 2);
        assert_eq!(handle.recent_passages(&PassageQuery::default()).unwrap().len(), 3);
        thread.join(LONG).unwrap();
        assert!(matches!(handle.totals(), Err(StoreError::Stopped)));

        let (handle, thread) = start(&settings).unwrap();
        handle.subscribe_outbox().recv_timeout(LONG).unwrap();
        assert_eq!(handle.outbox_stats().unwrap().pending, 2);
        thread.join(LONG).unwrap();
    }

    #[test]
    fn the_thread_survives_errors() {
        let (_dir, _settings, handle, thread) = started();
        let mut bad = full("e1");
        bad.evidence[0].sha256.clear();
        assert!(matches!(handle.record(bad), Err(StoreError::Picture { .. })));
        assert!(matches!(handle.outbox_done(1), Err(StoreError::NotPending { .. })));
        handle.record(full("e1")).unwrap();
        let id = handle.outbox_next(1).unwrap()[0].id;
        handle.outbox_failed(id, "refused").unwrap();
        assert_eq!(handle.outbox_stats().unwrap().dead, 1);
        thread.join(LONG).unwrap();
    }

    /// Whoever reads while many write sees whole records only: a hit with its pictures on disk and its
    /// message, never a part.
    #[test]
    fn readers_see_whole_records_while_others_write() {
        let (_dir, settings, handle, thread) = started();
        let writers: Vec<_> = (0..4)
            .map(|w| {
                let handle = handle.clone();
                std::thread::spawn(move || {
                    (0..25).for_each(|i| handle.record(full(&format!("{w}-{i}"))).unwrap());
                })
            })
            .collect();
        let reader = Reader::open(&settings).unwrap();
        let all = HitQuery { limit: 1000, ..Default::default() };
        loop {
            let done = writers.iter().all(|w| w.is_finished());
            let hits = reader.recent_hits(&all).unwrap();
            for hit in &hits {
                assert_eq!(hit.evidence.len(), 2);
                assert!(hit.evidence.iter().all(|e| e.path.exists()));
            }
            assert!(reader.outbox_stats().unwrap().pending >= hits.len() as u64);
            if done {
                break;
            }
        }
        writers.into_iter().for_each(|w| w.join().unwrap());
        assert_eq!(reader.recent_hits(&all).unwrap().len(), 100);
        assert_eq!(handle.totals().unwrap().hits, 100);
        drop(handle);
        thread.join(LONG).unwrap();
    }
}
