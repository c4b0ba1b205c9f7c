//! Keeps this process's memory to itself: keys, passwords and plates are in it.

use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};
use std::io;

/// No core dump of this process is written or handed to a crash collector from now on, and no other process of the
/// same user may read its memory or attach to it (prctl(2), `PR_SET_DUMPABLE`; core(5)). To be called first.
///
/// # Errors
/// The system refuses; a unit's `LimitCORE=0` may stand in its place.
pub fn close() -> io::Result<()> {
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    // A piped core_pattern ignores the limit, which is why it does not stand alone.
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    Ok(())
}
