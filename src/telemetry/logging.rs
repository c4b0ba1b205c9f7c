//! Starts the log: text or JSON lines on stderr, times in UTC with milliseconds, no plate texts unless
//! the operator asked for them.

use super::Settings;
use crate::domain::Utc;
use std::fmt;
use std::io::IsTerminal;
use std::sync::atomic::{AtomicBool, Ordering};
use tracing::Level;
use tracing::subscriber::SetGlobalDefaultError;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;

/// Crates whose `info` is of no use to an operator: they log at `warn` unless the filter names them.
/// rumqttd logs every connection, ort every node it places, hyper every request.
const NOISY: [&str; 6] = ["rumqttd", "rumqttc", "ort", "hyper", "hyper_util", "rustls"];

/// Whether plate texts may be logged; off until [`init`] says otherwise.
static PLATES: AtomicBool = AtomicBool::new(false);

/// Why the log could not be started.
#[derive(Debug, thiserror::Error)]
pub enum LoggingError {
    /// The level is neither a level nor a filter.
    #[error(
        "log level {found:?} is not understood ({cause}): write error, warn, info, debug or trace, \
         or a filter such as platewatch::capture=debug"
    )]
    Level {
        /// What was configured.
        found: String,
        /// What is wrong with it.
        cause: String,
    },
    /// A log was started before in this process.
    #[error("the log was already started in this process")]
    AlreadyStarted(#[source] SetGlobalDefaultError),
}

/// Starts the log for the whole process; call it once, before anything else.
pub fn init(settings: &Settings) -> Result<(), LoggingError> {
    let filter = filter(&settings.level)?;
    let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_timer(UtcMillis)
        .with_writer(std::io::stderr)
        .with_ansi(colour)
        .with_thread_names(true);
    let started = if settings.json {
        tracing::subscriber::set_global_default(builder.json().flatten_event(true).finish())
    } else {
        tracing::subscriber::set_global_default(builder.finish())
    };
    started.map_err(LoggingError::AlreadyStarted)?;
    PLATES.store(settings.plates, Ordering::Relaxed);
    Ok(())
}

/// Checks a level or filter without starting anything.
pub fn check_level(level: &str) -> Result<(), LoggingError> {
    filter(level).map(|_| ())
}

/// A plate's text on its way into a log line: shown only where `plates = true` is configured.
///
/// Log plates only through this: `tracing::info!(plate = %PlateField(text), "…")`.
#[derive(Clone, Copy)]
pub struct PlateField<'a>(pub &'a str);

impl fmt::Display for PlateField<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if PLATES.load(Ordering::Relaxed) { self.0 } else { "***" })
    }
}

impl fmt::Debug for PlateField<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A plain level quiets the noisy crates to `warn`; a filter does so too, for those it does not name.
fn filter(level: &str) -> Result<EnvFilter, LoggingError> {
    let level = level.trim();
    let bad = |cause: String| LoggingError::Level { found: level.to_owned(), cause };
    if level.is_empty() {
        return Err(bad("it is empty".to_owned()));
    }
    let plain = level.parse::<Level>().ok().filter(|_| level.chars().all(|c| c.is_ascii_alphabetic()));
    // A bare word that is no level is taken by the filter as the name of a crate, and logs nothing.
    if plain.is_none() && level != "off" && !level.contains(['=', ',', '[']) {
        return Err(bad("no such level".to_owned()));
    }
    let quiet = match plain {
        Some(Level::ERROR) => "error",
        _ if level == "off" => "off",
        _ => "warn",
    };
    let quiet: Vec<String> =
        NOISY.iter().filter(|name| !names(level, name)).map(|name| format!("{name}={quiet}")).collect();
    EnvFilter::builder().parse(format!("{level},{}", quiet.join(","))).map_err(|e| bad(e.to_string()))
}

/// Whether one of the filter's directives has `name` or a module of it as its target.
fn names(filter: &str, name: &str) -> bool {
    filter.split(',').any(|directive| {
        let target = directive.trim().split(['=', '[']).next().unwrap_or_default();
        target == name || target.strip_prefix(name).is_some_and(|rest| rest.starts_with("::"))
    })
}

/// Times as everywhere else in platewatch.
struct UtcMillis;

impl FormatTime for UtcMillis {
    fn format_time(&self, w: &mut Writer<'_>) -> fmt::Result {
        write!(w, "{}", Utc::now())
    }
}

/// Where test logs go; kept beside the real thing so that both are put together alike.
#[cfg(test)]
fn subscriber<W>(level: &str, writer: W) -> impl tracing::Subscriber
where
    W: for<'a> tracing_subscriber::fmt::MakeWriter<'a> + Send + Sync + 'static,
{
    tracing_subscriber::fmt()
        .with_env_filter(filter(level).unwrap())
        .with_timer(UtcMillis)
        .with_writer(writer)
        .with_ansi(false)
        .finish()
}

#[cfg(test)]
pub(in crate::telemetry) mod tests {
    use super::*;
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn logged_at(level: &str, work: impl FnOnce()) -> String {
        let lines = Lines::default();
        let writer = lines.clone();
        tracing::subscriber::with_default(subscriber(level, move || writer.clone()), work);
        let bytes = lines.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    /// What `work` logs at `info` and above on this thread.
    pub(in crate::telemetry) fn logged(work: impl FnOnce()) -> String {
        logged_at("info", work)
    }

    #[test]
    fn plates_stay_out_of_the_log_unless_configured() {
        let log = || {
            logged(|| tracing::warn!(plate = %PlateField("1ABC234"), also = ?PlateField("1ABC234"), "hit"))
        };
        let hidden = log();
        assert!(hidden.contains("plate=***") && !hidden.contains("1ABC234"), "{hidden}");
        PLATES.store(true, Ordering::Relaxed);
        let shown = log();
        PLATES.store(false, Ordering::Relaxed);
        assert!(shown.contains("plate=1ABC234"), "{shown}");
    }

    #[test]
    fn noisy_crates_are_quiet_unless_named() {
        let work = || {
            tracing::info!(target: "rumqttd::router", "chatter");
            tracing::warn!(target: "rumqttd::router", "trouble");
            tracing::info!(target: "platewatch::capture", "camera up");
        };
        let log = logged_at("info", work);
        assert!(!log.contains("chatter") && log.contains("trouble") && log.contains("camera up"), "{log}");
        let log = logged_at("info,rumqttd=info", work);
        assert!(log.contains("chatter"), "{log}");
        let log = logged_at("error", work);
        assert!(log.is_empty(), "{log}");
        let log = logged_at("platewatch::capture=debug", work);
        assert!(!log.contains("chatter") && log.contains("camera up"), "{log}");
    }

    #[test]
    fn a_bad_level_is_named_with_what_is_allowed() {
        for bad in ["", "loud", "platewatch=loud", "platewatch=debug,x=y"] {
            let text = check_level(bad).unwrap_err().to_string();
            assert!(text.contains(&format!("{bad:?}")) && text.contains("write error, warn, info"), "{text}");
        }
        for good in
            ["info", "WARN", " debug ", "off", "platewatch::capture=debug", "warn,platewatch[cam]=trace"]
        {
            assert!(check_level(good).is_ok(), "{good}");
        }
    }
}
