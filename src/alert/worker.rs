//! The thread `alert`: one connection after another, everything at QoS 1, a row done only when the broker
//! has acknowledged it.
//!
//! A window of [`WINDOW`] messages may be un-acknowledged. A packet id is known only once the packet has
//! gone out, in the order of queueing, so what was queued waits in `queued` for its id and then in
//! `in_flight` for its acknowledgement. When a connection is lost both are forgotten: the rows are still in
//! the outbox and go out again with the same CloudEvents id.

use super::certificates::{Certificates, tried};
use super::delayed::{Allowance, DELAYED_AFTER, is_old, mark_delayed};
use super::inbound::Request;
use super::link::{Link, LinkEvent, LinkOptions, MAX_PACKET, Will};
use super::message::BoxState;
use super::session::{End, Pace, Sending, Session, farewell};
use super::taking_in::TakingIn;
use super::timing::{first_capture, since};
use super::unkept::{self, mark_unkept};
use super::{AlertError, AlertEvents, BoxIdentity, HealthSource, Outbox, broker_address};
use crate::domain::Utc;
use crate::runtime::Backoff;
use crate::store::{OutboxRow, StoreError};
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval, sleep_until};

/// Messages that may be un-acknowledged. More would only lengthen what is sent twice after a loss.
const WINDOW: usize = 16;

/// Waiting rows looked at at once; beyond `WINDOW` so that suspects do not hide the rows behind them.
const LOOK_AHEAD: usize = 64;

/// Longest wait for an acknowledgement before the connection counts as dead.
const ACK_TIMEOUT: Duration = Duration::from_secs(30);

/// How often to look for what no signal tells: time-outs, rows behind a missed wake-up.
const TICK: Duration = Duration::from_secs(2);

/// A row that was in flight at so many losses goes last and alone: it may be what the broker chokes on.
const SUSPECT_AFTER: u32 = 2;

/// A row is given up on when, alone in flight so many times, the broker answered it with a protocol error
/// (such as a reason code that `rumqttc` does not know) instead of an acknowledgement. A network that
/// fails never counts.
const GIVE_UP_AFTER: u32 = 3;

/// What other threads ask for.
#[derive(Debug)]
pub(super) enum Control {
    /// The outbox has something new.
    Wake,
    /// The latest word on a retained topic.
    Retain { topic: String, payload: String },
    /// A hit that the disk has not taken: to be sent now, marked.
    Unkept(Arc<unkept::Message>),
    /// The event of that id is in the outbox now.
    Kept(String),
    /// End in order, sending what waits until then.
    Drain { until: Instant },
}

/// How far the end has come.
#[derive(Clone, Copy, PartialEq)]
enum Phase {
    Serving,
    Draining { until: Instant },
    Leaving { until: Instant },
}

/// Everything that outlives a connection.
pub(super) struct Worker<O, H, E> {
    identity: BoxIdentity,
    options: LinkOptions,
    outbox: O,
    health: H,
    events: E,
    health_every: Duration,
    health_due: Instant,
    control: mpsc::Receiver<Control>,
    phase: Phase,
    /// Latest word on each retained topic: said anew on every connection. As many as cameras and lists.
    retained: BTreeMap<String, String>,
    /// Hits that the disk has not taken, still to be sent.
    unkept: VecDeque<Arc<unkept::Message>>,
    /// Topics of `retained` still to be said.
    unsaid: BTreeSet<String>,
    /// Whether the outbox may hold rows not yet looked at.
    look: bool,
    /// Whether the outbox had nothing to send when last looked at.
    empty: bool,
    /// Rows acknowledged by the broker whose mark the store has not yet taken; not to be sent again.
    unrecorded: BTreeSet<i64>,
    /// Losses of a connection at which a row was in flight.
    losses: HashMap<i64, u32>,
    /// How many old messages may go out now.
    catch_up: Allowance,
    /// When rows held back by that are looked at again.
    look_again: Option<Instant>,
    pub certificates: Option<Certificates>,
    pub taking_in: Option<TakingIn>,
}

impl<O: Outbox, H: HealthSource, E: AlertEvents> Worker<O, H, E> {
    pub fn new(
        identity: BoxIdentity,
        options: LinkOptions,
        outbox: O,
        health: H,
        events: E,
        pace: Pace,
        control: mpsc::Receiver<Control>,
    ) -> Self {
        Self {
            identity,
            options,
            outbox,
            health,
            events,
            health_every: pace.health_every,
            health_due: Instant::now(),
            control,
            phase: Phase::Serving,
            retained: BTreeMap::new(),
            unkept: VecDeque::new(),
            unsaid: BTreeSet::new(),
            look: true,
            empty: false,
            unrecorded: BTreeSet::new(),
            losses: HashMap::new(),
            catch_up: Allowance::new(pace.catch_up_per_s),
            look_again: None,
            certificates: None,
            taking_in: None,
        }
    }

    /// Until told to end; gives the number of rows left.
    pub async fn run(mut self) -> u64 {
        let mut backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(30));
        loop {
            match self.session(&mut backoff).await {
                Ok(End::Over) => break,
                Ok(End::Renew) => continue,
                Err(error) => {
                    let reason = error.to_string();
                    tracing::warn!(%reason, "not connected; what has to be sent waits in the outbox");
                    self.events.disconnected(&reason);
                }
            }
            if self.phase != Phase::Serving {
                break; // no connection, no time: the rows are safe where they are
            }
            self.pause(backoff.failed()).await;
        }
        self.record_acks();
        self.outbox.stats().map_or(0, |s| s.pending)
    }

    /// Waits, taking in what is told meanwhile; ends early when asked to drain.
    async fn pause(&mut self, time: Duration) {
        let until = Instant::now() + time;
        while self.phase == Phase::Serving {
            tokio::select! {
                control = self.control.recv() => self.take(control),
                () = sleep_until(until.into()) => return,
            }
        }
    }

    /// One connection, from opening to its end: `Ok` where it was ours.
    async fn session(&mut self, backoff: &mut Backoff) -> Result<End, AlertError> {
        let since = Utc::now();
        let will = self.status(BoxState::Offline, since)?;
        let options = LinkOptions {
            will: Some(Will { topic: self.identity.status(), payload: will }),
            tls: self.certificates.as_mut().map(Certificates::next),
            ..self.options.clone()
        };
        let mut link = Link::open(&options);
        let mut session = Session::default();
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let due = match self.phase {
                Phase::Draining { until } | Phase::Leaving { until } => until,
                Phase::Serving => self.health_due.max(Instant::now()),
            };
            let timed = session.connected || self.phase != Phase::Serving;
            tokio::select! {
                event = link.next() => match event {
                    Ok(LinkEvent::Connected { max_packet }) => {
                        backoff.succeeded();
                        session.connected = true;
                        session.max_packet = (max_packet as usize).min(MAX_PACKET as usize);
                        self.arrived(since, &link);
                    }
                    Ok(LinkEvent::Message { topic, payload, retained, receipt }) => {
                        self.take_in(&topic, &payload, retained);
                        link.acknowledge(&receipt);
                    }
                    Ok(event) => self.heard(event, &mut session)?,
                    Err(error) => {
                        self.lost(&session, &error);
                        return Err(error);
                    }
                },
                control = self.control.recv() => self.take(control),
                () = sleep_until(due.into()), if timed => match self.phase {
                    Phase::Serving => self.say_health(),
                    Phase::Draining { .. } | Phase::Leaving { .. } if !session.connected => return Ok(End::Over),
                    Phase::Draining { .. } => self.leave(),
                    Phase::Leaving { .. } => {
                        farewell(link).await;
                        return Ok(End::Over);
                    }
                },
                () = sleep_until(self.look_again.unwrap_or_else(Instant::now).into()), if self.look_again.is_some() => {
                    self.look_again = None;
                    self.look = true;
                }
                renew = tried(&mut self.certificates), if session.connected => session.renewing |= renew,
                _ = tick.tick() => {
                    self.look = true;
                    if let Some(certificates) = &mut self.certificates {
                        certificates.look(&self.options, session.connected);
                    }
                    self.record_acks();
                    let oldest = session.in_flight.values().map(|(_, at)| at.elapsed()).max();
                    if oldest.is_some_and(|age| age > ACK_TIMEOUT) {
                        let why = format!("no acknowledgement for {} s", ACK_TIMEOUT.as_secs());
                        let broker = broker_address(&self.options.remote);
                        let error = AlertError::Link { broker, why, protocol: false };
                        self.lost(&session, &error);
                        return Err(error);
                    }
                }
            }
            if session.renewing && session.open() == 0 && self.phase == Phase::Serving {
                farewell(link).await;
                return Ok(End::Renew);
            }
            if session.connected {
                self.fill(&link, &mut session);
                let idle = session.open() == 0 && self.unsaid.is_empty() && self.unkept.is_empty();
                match self.phase {
                    Phase::Draining { .. } if idle && self.empty => {
                        self.leave();
                        self.fill(&link, &mut session);
                    }
                    Phase::Leaving { .. } if idle => {
                        farewell(link).await;
                        return Ok(End::Over);
                    }
                    _ => {}
                }
            }
        }
    }

    /// The broker has accepted us: say who we are and everything that others should find retained.
    fn arrived(&mut self, since: Utc, link: &Link) {
        if let Some(certificates) = &mut self.certificates {
            certificates.accepted();
        }
        if self.taking_in.is_some() {
            link.subscribe(&self.identity.commands());
            link.subscribe(&self.identity.outcomes());
        }
        let broker = broker_address(&self.options.remote);
        tracing::info!(%broker, "connected");
        self.events.connected(&broker);
        let state = if self.phase == Phase::Serving { BoxState::Online } else { BoxState::Stopping };
        self.say_status(state, since);
        self.say_health();
        self.unsaid = self.retained.keys().cloned().collect();
        self.look = true;
    }

    fn heard(&mut self, event: LinkEvent, session: &mut Session) -> Result<(), AlertError> {
        match event {
            LinkEvent::Sent(id) => {
                if let Some(sending) = session.queued.pop_front() {
                    session.in_flight.insert(id, (sending, Instant::now()));
                }
            }
            LinkEvent::Acked(id) => {
                self.look = true;
                match session.in_flight.remove(&id) {
                    Some((Sending::Row { id, created_at, captured_at }, _)) => {
                        self.losses.remove(&id);
                        self.unrecorded.insert(id);
                        self.record_acks();
                        self.events.delivered(id, since(created_at), captured_at.map(since));
                    }
                    Some((Sending::Unkept(m), _)) => self.events.delivered_unkept(m.came.elapsed()),
                    _ => {}
                }
            }
            LinkEvent::Refused { id, why, later: true } => {
                // Over the broker's quota: begin anew after a while rather than press on.
                let broker = broker_address(&self.options.remote);
                let why = format!("refused message {id} for now: {why}");
                return Err(AlertError::Link { broker, why, protocol: false });
            }
            LinkEvent::Refused { id, why, later: false } => {
                self.look = true;
                match session.in_flight.remove(&id) {
                    Some((Sending::Row { id, .. }, _)) => {
                        self.give_up(id, &format!("the broker refused it: {why}"));
                    }
                    Some((Sending::Unkept(_), _)) => {
                        // Tried again, and put aside with the reason, once it is in the outbox.
                        tracing::error!(%why, "the broker refused a hit that is not yet kept");
                    }
                    _ => tracing::warn!(%why, "the broker refused a status message"),
                }
            }
            LinkEvent::Subscribed(Err(why)) => {
                tracing::error!(
                    why,
                    "the broker lets this box not listen to commands and outcomes; see its access list"
                );
            }
            LinkEvent::Connected { .. } | LinkEvent::Message { .. } | LinkEvent::Subscribed(Ok(())) => {}
        }
        Ok(())
    }

    /// A connection has ended under us: remember what was on it.
    fn lost(&mut self, session: &Session, error: &AlertError) {
        let open = session.in_flight.values().map(|(s, _)| s).chain(&session.queued);
        for sending in open {
            if let Sending::Unkept(m) = sending {
                self.unkept.push_front(Arc::clone(m)); // it may not have arrived
            }
        }
        let rows: Vec<i64> = session.rows().collect();
        let protocol = matches!(error, AlertError::Link { protocol: true, .. });
        for id in &rows {
            let losses = self.losses.entry(*id).or_default();
            *losses += 1;
            if protocol && session.open() == 1 && *losses >= GIVE_UP_AFTER {
                self.give_up(*id, &format!("the broker ended the connection over it: {error}"));
            }
        }
    }

    fn take_in(&mut self, topic: &str, payload: &[u8], retained: bool) {
        let Some(taking_in) = &mut self.taking_in else { return };
        match taking_in.take(&self.identity, &self.events, topic, payload, retained) {
            Some(Request::HealthNow) => self.health_due = Instant::now(),
            Some(Request::RetryOutbox) => self.look = true,
            _ => {}
        }
    }

    /// Queues what may go out now: hits of a dead disk first, then retained topics, they are few; then rows as the
    /// outbox orders them.
    fn fill(&mut self, link: &Link, session: &mut Session) {
        while session.open() < WINDOW {
            let Some(m) = self.unkept.pop_front() else { break };
            let late = m.came.elapsed() > DELAYED_AFTER;
            let payload = mark_unkept(&m.payload);
            let payload = if late { mark_delayed(payload) } else { payload };
            if link.publish(&m.topic, false, late, payload) {
                session.queued.push_back(Sending::Unkept(m));
            }
        }
        while session.open() < WINDOW {
            let Some(topic) = self.unsaid.pop_first() else { break };
            if let Some(payload) = self.retained.get(&topic).cloned()
                && link.publish(&topic, true, false, payload)
            {
                session.queued.push_back(Sending::Retained);
            }
        }
        if !self.look
            || session.renewing
            || session.open() >= WINDOW
            || matches!(self.phase, Phase::Leaving { .. })
        {
            return;
        }
        self.look = false;
        let mut rows = match self.outbox.next(LOOK_AHEAD) {
            Ok(rows) => rows,
            Err(StoreError::Stopped) => Vec::new(),
            Err(error) => {
                tracing::error!(%error, "the outbox cannot be read; it is tried again");
                return;
            }
        };
        let busy: BTreeSet<i64> = session.rows().collect();
        rows.retain(|r| !busy.contains(&r.id) && !self.unrecorded.contains(&r.id));
        self.empty = rows.is_empty();
        rows.sort_by_key(|r| self.is_suspect(r.id)); // stable: the outbox's order otherwise
        if busy.iter().any(|id| self.is_suspect(*id)) {
            return; // whatever happens now must be its doing
        }
        let draining = self.phase != Phase::Serving;
        for row in rows {
            // Old ones at a bounded rate, so that an outage of hours does not end in a flood; new ones at once.
            if is_old(&row) && !draining && !self.catch_up.take() {
                self.look_again = Some(Instant::now() + Duration::from_millis(50));
                continue;
            }
            let suspect = self.is_suspect(row.id);
            if session.open() >= WINDOW || suspect && session.open() > 0 {
                return;
            }
            self.send(row, link, session);
            if suspect {
                return;
            }
        }
    }

    fn is_suspect(&self, id: i64) -> bool {
        self.losses.get(&id).is_some_and(|n| *n >= SUSPECT_AFTER)
    }

    fn send(&mut self, row: OutboxRow, link: &Link, session: &mut Session) {
        let size = Link::packet_size(&row.topic, &row.payload);
        if size > session.max_packet {
            let most = session.max_packet;
            self.give_up(row.id, &format!("{size} bytes, at most {most} are taken by the broker and by us"));
            self.look = true;
            return;
        }
        let delayed = is_old(&row);
        let captured_at = first_capture(&row);
        let payload = if delayed { mark_delayed(row.payload) } else { row.payload };
        if link.publish(&row.topic, false, delayed, payload) {
            session.queued.push_back(Sending::Row { id: row.id, created_at: row.created_at, captured_at });
        }
    }

    /// Tells the store of every acknowledgement it does not know of; what it cannot take now is told later.
    fn record_acks(&mut self) {
        let outbox = &self.outbox;
        self.unrecorded.retain(|id| match outbox.done(*id) {
            Ok(()) | Err(StoreError::NotPending { .. }) => false,
            Err(error) => {
                tracing::error!(row = *id, %error, "a delivery cannot be recorded; it is tried again");
                true
            }
        });
    }

    fn give_up(&mut self, id: i64, reason: &str) {
        self.losses.remove(&id);
        tracing::error!(row = id, reason, "a message cannot be delivered; it stays on the box");
        match self.outbox.failed(id, reason) {
            Ok(()) => self.events.refused(id, reason),
            Err(error) => tracing::error!(row = id, %error, "this cannot be recorded; it is tried again"),
        }
    }

    fn take(&mut self, control: Option<Control>) {
        match control {
            Some(Control::Wake) => self.look = true,
            Some(Control::Retain { topic, payload }) => {
                self.unsaid.insert(topic.clone());
                self.retained.insert(topic, payload);
            }
            Some(Control::Unkept(message)) => {
                self.unkept.push_back(message);
                if self.unkept.len() > unkept::MOST {
                    self.unkept.pop_front();
                }
            }
            Some(Control::Kept(event)) => {
                self.unkept.retain(|m| m.event_id != event);
                self.look = true;
            }
            Some(Control::Drain { until }) => self.drain(until),
            None => self.drain(Instant::now()),
        }
    }

    fn drain(&mut self, until: Instant) {
        if self.phase == Phase::Serving {
            // The farewell needs its own share of the time.
            let left = until.saturating_duration_since(Instant::now());
            let farewell = (left / 4).min(Duration::from_secs(1));
            self.phase = Phase::Draining { until: until.checked_sub(farewell).unwrap_or(until) };
            self.look = true;
            self.say_status(BoxState::Stopping, Utc::now());
        }
    }

    fn leave(&mut self) {
        self.phase = Phase::Leaving { until: Instant::now() + Duration::from_millis(750) };
        self.say_status(BoxState::Offline, Utc::now());
    }
}

mod statuses;
