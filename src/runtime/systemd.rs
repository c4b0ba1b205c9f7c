//! Telling systemd how the service is (`sd_notify(3)`): ready, alive, stopping. Without systemd, nothing happens.

use sd_notify::NotifyState;

/// Everything is started; with `Type=notify` the unit counts as up from here.
pub fn ready() {
    tell(&[NotifyState::Ready]);
}

/// An orderly end has begun.
pub fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// The watchdog (`WatchdogSec=`) may wait again from zero; `status` is shown by `systemctl status`.
pub fn alive(status: &str) {
    tell(&[NotifyState::Watchdog, NotifyState::Status(status)]);
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "systemd could not be told");
    }
}
