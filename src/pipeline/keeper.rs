//! Keeps records whatever the disk does: in order, tried again, and told of in time.
//!
//! While the disk takes what it is given, this is a queue of one: whoever brings the next record waits, and pressure
//! runs back to the cameras. Once a record has waited for [`PATIENCE`], or a write has failed in a way that may
//! pass, records collect in memory instead, within a bound, so that matching goes on; and their hits are published
//! before they are kept, marked `kept: false` (decision 0021). When the disk is well again they are kept in order,
//! with the ids under which they were told, and published again without the mark.

use super::backlog::{Backlog, MAX_BYTES, Shed, Waiting};
use crate::alert::Unkept;
use crate::runtime::Backoff;
use crate::store::{MessageKind, PATIENCE, Record, StoreError, StoreHandle};
use crate::telemetry::StoreErrorKind;
use crossbeam_channel::{Receiver, TryRecvError, never};
use std::time::{Duration, Instant};

/// Records taken in while the disk is well: one in the store's hands, one behind it.
const IN_HAND: usize = 2;

/// What became of records. Called from the recorder's thread; must not wait for the store.
pub trait KeeperEvents {
    /// A record is on disk, `took` after it was first given to the store.
    fn kept(&mut self, _record: &Record, _took: Duration) {}
    /// Hits of a record were told of before it was kept.
    fn told_unkept(&mut self, _record: &Record) {}
    /// A record can never be kept, or had to go.
    fn lost(&mut self, _record: &Record, _why: &str) {}
    /// A write failed.
    fn failed(&mut self, _kind: StoreErrorKind, _error: &StoreError) {}
    /// From now on records wait in memory.
    fn trouble(&mut self, _error: &StoreError) {}
    /// So many records wait now.
    fn waiting(&mut self, _records: usize) {}
    /// Something of what waits had to go.
    fn shed(&mut self, _what: &str, _records: u64) {}
    /// Everything that waited is kept; the trouble lasted so long.
    fn recovered(&mut self, _lasted: Duration) {}
}

/// See the module.
pub struct Keeper<E> {
    store: StoreHandle,
    unkept: Unkept,
    /// Told what happens.
    pub events: E,
    backlog: Backlog,
    /// What the store was given: the first of the backlog, its answer, and since when.
    in_hand: Option<(Receiver<Result<(), StoreError>>, Instant)>,
    backoff: Backoff,
    again: Instant,
    trouble: Option<Instant>,
    /// Whether passages may go where there is no room: they come from live cameras, which do not wait.
    sheds: bool,
    ended: bool,
}

impl<E: KeeperEvents> Keeper<E> {
    /// Over `store`; hits that cannot wait go out by `unkept`. With `sheds` records are taken for as long as the
    /// disk is in trouble, and what has no room is let go; without, whoever brings them waits once memory is full.
    pub fn new(store: StoreHandle, unkept: Unkept, events: E, sheds: bool) -> Self {
        Self {
            store,
            unkept,
            events,
            backlog: Backlog::new(MAX_BYTES),
            in_hand: None,
            backoff: Backoff::new(Duration::from_millis(100), Duration::from_secs(5)),
            again: Instant::now(),
            trouble: None,
            sheds,
            ended: false,
        }
    }

    /// Takes a record and begins to keep it.
    pub fn put(&mut self, record: Record) {
        self.backlog.push(record);
        let busy = usize::from(self.in_hand.is_some());
        let Shed { passages, pictures, hits } =
            if self.sheds { self.backlog.shed(busy) } else { Shed::default() };
        for (what, records) in [("passages", passages), ("pictures of hits", pictures), ("hits", hits)] {
            if records > 0 {
                self.events.shed(what, records);
            }
        }
        self.advance();
    }

    /// Whether the next record should be brought now.
    pub fn takes(&self) -> bool {
        match self.trouble {
            None => self.backlog.len() < IN_HAND,
            Some(_) => self.sheds || !self.backlog.is_full(),
        }
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.backlog.is_empty()
    }

    /// How many records wait.
    pub fn len(&self) -> usize {
        self.backlog.len()
    }

    /// Whether the store is gone: nothing will ever be kept any more.
    pub fn is_over(&self) -> bool {
        self.ended
    }

    /// Ready when the store has answered.
    pub fn answer(&self) -> Receiver<Result<(), StoreError>> {
        self.in_hand.as_ref().map_or_else(never, |(answer, _)| answer.clone())
    }

    /// What [`Self::answer`] gave.
    pub fn answered(&mut self, answer: Result<Result<(), StoreError>, crossbeam_channel::RecvError>) {
        self.heard(answer.unwrap_or(Err(StoreError::Stopped)));
    }

    /// How long to wait for [`Self::answer`] at most before [`Self::advance`] is called anyway.
    pub fn patience(&self) -> Duration {
        const LOOK: Duration = Duration::from_millis(250);
        if self.in_hand.is_none() && !self.backlog.is_empty() {
            return self.again.saturating_duration_since(Instant::now()).min(LOOK);
        }
        LOOK
    }

    /// Does what can be done without waiting: hears the store, gives it the next record, tells of hits that have
    /// waited long enough.
    pub fn advance(&mut self) {
        loop {
            let answer = match &self.in_hand {
                None => break,
                Some((answer, _)) => answer.try_recv(),
            };
            match answer {
                Ok(outcome) => self.heard(outcome),
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => self.heard(Err(StoreError::Stopped)),
            }
            self.begin();
        }
        self.begin();
        let late = self.backlog.front().is_some_and(|w| w.age() >= PATIENCE);
        if late && self.trouble.is_none() {
            let silent = self.backlog.front().map_or(PATIENCE, Waiting::age);
            self.begin_trouble(&StoreError::Slow { silent });
        }
        if self.trouble.is_some() {
            self.tell();
        }
        self.events.waiting(self.backlog.len());
    }

    /// Gives the store the first record that waits.
    fn begin(&mut self) {
        if self.in_hand.is_some() || self.ended || Instant::now() < self.again {
            return;
        }
        let Some(first) = self.backlog.front() else { return };
        match self.store.begin_record(&first.record) {
            Ok(answer) => self.in_hand = Some((answer, Instant::now())),
            Err(error) => self.heard(Err(error)),
        }
    }

    fn heard(&mut self, outcome: Result<(), StoreError>) {
        let since = self.in_hand.take().map(|(_, since)| since);
        let error = match outcome {
            Ok(()) => {
                self.backoff.succeeded();
                if let Some(kept) = self.backlog.pop() {
                    if kept.told {
                        self.unkept.kept(&kept.record.messages);
                    }
                    self.events.kept(&kept.record, since.map_or(Duration::ZERO, |s| s.elapsed()));
                }
                if self.backlog.is_empty()
                    && let Some(began) = self.trouble.take()
                {
                    self.events.recovered(began.elapsed());
                }
                return;
            }
            Err(error) => error,
        };
        self.events.failed(kind(&error), &error);
        self.again = Instant::now() + self.backoff.failed();
        if matches!(error, StoreError::Stopped) {
            self.ended = true;
            self.begin_trouble(&error);
        } else if error.is_transient() || matches!(error, StoreError::ReadOnly { .. }) {
            self.begin_trouble(&error);
        } else {
            // Nobody can keep it, but the officer can still be told.
            let tell = self.backlog.front_mut().filter(|w| !w.told && w.has_hits());
            if let Some(w) = tell {
                tell_of(w, &self.unkept, &mut self.events);
            }
            if let Some(lost) = self.backlog.pop() {
                self.events.lost(&lost.record, &error.to_string());
            }
            self.again = Instant::now();
        }
    }

    fn begin_trouble(&mut self, error: &StoreError) {
        if self.trouble.is_none() {
            self.trouble = Some(Instant::now());
            self.events.trouble(error);
        }
    }

    /// Tells of every hit that waits and was not yet told of.
    fn tell(&mut self) {
        for w in self.backlog.iter_mut().filter(|w| !w.told && w.has_hits()) {
            tell_of(w, &self.unkept, &mut self.events);
        }
    }

    /// Gives up on what waits: the box ends and the disk is not well.
    pub fn give_up(&mut self) {
        self.in_hand = None;
        while let Some(lost) = self.backlog.pop() {
            self.events.lost(&lost.record, "the box ends before the disk takes it");
        }
    }
}

fn tell_of(w: &mut Waiting, unkept: &Unkept, events: &mut impl KeeperEvents) {
    let mut hits = w.record.messages.iter().filter(|m| m.kind == MessageKind::Hit);
    // A publisher that cannot take them now is asked again at the next look.
    w.told = hits.all(|m| unkept.tell(m));
    if w.told {
        events.told_unkept(&w.record);
    }
}

/// The word under which a failure is counted.
pub(super) fn kind(error: &StoreError) -> StoreErrorKind {
    match error {
        StoreError::DiskFull { .. } => StoreErrorKind::DiskFull,
        StoreError::ReadOnly { .. } => StoreErrorKind::ReadOnly,
        StoreError::InUse { .. } => StoreErrorKind::Busy,
        StoreError::Corrupt { .. } | StoreError::Damaged { .. } => StoreErrorKind::Corrupt,
        StoreError::Picture { .. } => StoreErrorKind::Picture,
        StoreError::Slow { .. } => StoreErrorKind::Slow,
        _ => StoreErrorKind::Other,
    }
}
