//! The store's own thread, and how everyone else talks to it: one bounded queue of commands, each
//! answered; so a slow disk is felt by those who record and nothing piles up unseen.

use super::orders::{Order, PausedCamera};
use super::outcomes::Answer;
use super::record::Record;
use super::rows::{HitQuery, HitRow, OutboxRow, OutboxStats, PassageQuery, PassageRow, Totals};
use super::settings::Settings;
use super::usage::UseChange;
use super::writer::Store;
use super::{AuditEntry, AuditHead, LawInForce, NewLook, StoreError, queries, retention};
use crate::domain::Utc;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TryRecvError, bounded};
use std::time::{Duration, Instant};

/// Commands that may wait; more make the callers wait. Each is one caller, so this is never memory.
const QUEUE: usize = 64;

type Reply<T> = Sender<Result<T, StoreError>>;

enum Command {
    Record(Box<Record>, Reply<()>),
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
    Totals(Reply<Totals>),
    RecentHits(HitQuery, Reply<Vec<HitRow>>),
    RecentPassages(PassageQuery, Reply<Vec<PassageRow>>),
    Stop,
}

/// Talks to the store's thread. Clones share it; every method waits for the answer.
#[derive(Debug, Clone)]
pub struct StoreHandle {
    commands: Sender<Command>,
    outbox: Receiver<()>,
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
    let thread = std::thread::Builder::new()
        .name("store".into())
        .spawn(move || {
            serve(&mut store, &queue, &wake);
            drop(store); // closes the database and says so in the lock file before the end is told
            drop(ending);
        })
        .map_err(|source| StoreError::Thread { source })?;
    Ok((StoreHandle { commands: commands.clone(), outbox }, StoreThread { commands, ended, thread }))
}

/// Answers commands until told to stop or until nobody can send any more. A caller that has gone away
/// does not matter, hence the ignored sends of answers.
fn serve(store: &mut Store, queue: &Receiver<Command>, wake: &Sender<()>) {
    let mut sweeps = Sweeps::new();
    while let Some(command) = sweeps.next(store, queue) {
        match command {
            Command::Record(record, reply) => {
                let wakes = !record.messages.is_empty();
                let outcome = store.record(&record);
                if wakes && outcome.is_ok() {
                    // Full means that the publisher has not yet looked since the last time.
                    let _ = wake.try_send(());
                }
                let _ = reply.send(outcome);
            }
            Command::OutboxNext(limit, reply) => drop(reply.send(store.outbox_next(limit))),
            Command::OutboxDone(id, reply) => drop(reply.send(store.outbox_done(id))),
            Command::OutboxFailed(id, reason, reply) => drop(reply.send(store.outbox_failed(id, &reason))),
            Command::OutboxStats(reply) => drop(reply.send(store.outbox_stats())),
            Command::Answer(answer, reply) => drop(reply.send(store.answer(&answer))),
            Command::Order(order, reply) => {
                let kept = store.order(&order);
                if kept.is_ok() {
                    let _ = wake.try_send(()); // it may have revived messages
                }
                let _ = reply.send(kept);
            }
            Command::PausedCameras(reply) => drop(reply.send(store.paused_cameras())),
            Command::Audit(entry, reply) => drop(reply.send(store.audit(&entry))),
            Command::Look(look, reply) => drop(reply.send(store.look(&look))),
            Command::SetLaw(law, reply) => drop(reply.send(store.set_law(&law, Utc::now()))),
            Command::Usage(change, now, reply) => drop(reply.send(store.usage(&change, now))),
            Command::AuditHead(reply) => drop(reply.send(store.audit_head())),
            Command::Totals(reply) => drop(reply.send(Ok(store.totals()))),
            Command::RecentHits(query, reply) => {
                drop(reply.send(queries::recent_hits(store.database(), &query)));
            }
            Command::RecentPassages(query, reply) => {
                drop(reply.send(queries::recent_passages(store.database(), &query)));
            }
            Command::Stop => break,
        }
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

impl Sweeps {
    fn new() -> Self {
        Self { due: Instant::now(), began: Utc::now(), under_way: false, answered: 0 }
    }

    /// The next command; `None` when nobody can send any more. Deletes while there is none.
    fn next(&mut self, store: &mut Store, queue: &Receiver<Command>) -> Option<Command> {
        loop {
            let every_ms = retention::EVERY.as_millis() as i64;
            let clock_set = Utc::now().since_ms(self.began).abs() >= every_ms;
            if !self.under_way && (clock_set || Instant::now() >= self.due) {
                (self.under_way, self.due) = (true, Instant::now() + retention::EVERY);
                self.began = Utc::now();
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
                self.under_way = store.delete_expired(Utc::now()).unwrap_or_else(|error| {
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
        self.ask(|reply| Command::Record(Box::new(record), reply))
    }

    /// Up to `limit` waiting messages: hits before passages, each in the order of recording.
    ///
    /// # Errors
    /// The database cannot be read, or the store has ended.
    pub fn outbox_next(&self, limit: usize) -> Result<Vec<OutboxRow>, StoreError> {
        self.ask(|reply| Command::OutboxNext(limit, reply))
    }

    /// The broker has acknowledged message `id`. Saying so twice is fine.
    ///
    /// # Errors
    /// There is no such message or it was given up on; or the database cannot be written.
    pub fn outbox_done(&self, id: i64) -> Result<(), StoreError> {
        self.ask(|reply| Command::OutboxDone(id, reply))
    }

    /// Message `id` can never be delivered (too large, refused for good): it is kept aside with `reason`.
    ///
    /// # Errors
    /// There is no such waiting message; or the database cannot be written.
    pub fn outbox_failed(&self, id: i64, reason: &str) -> Result<(), StoreError> {
        self.ask(|reply| Command::OutboxFailed(id, reason.to_owned(), reply))
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
        self.ask(|reply| Command::Order(Box::new(order), reply))
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
        self.ask(Command::OutboxStats)
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
        self.ask(|reply| Command::Usage(Box::new(change), now, reply))
    }

    /// The latest row of the audit chain.
    ///
    /// # Errors
    /// The database cannot be read, or the store has ended.
    pub fn audit_head(&self) -> Result<AuditHead, StoreError> {
        self.ask(Command::AuditHead)
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
        self.ask(Command::Totals)
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
