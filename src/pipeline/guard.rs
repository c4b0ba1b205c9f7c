//! Defects of ours, kept where they happen.
//!
//! A panic in the models, in a camera's tracker or in judging one passage must not take the other cameras of the
//! thread with it. What it may have left half done is thrown away: the models are opened again, that tracker begins
//! anew. Threads whose state is shared with the disk or the broker (recorder, store, publisher, lists) are not
//! guarded: nobody could say what is true in them. Their end ends the process, with the thread's name, and systemd
//! starts it again; what was promised is on disk.

use crate::domain::{Detection, Frame, Reading};
use crate::runtime::Backoff;
use crate::vision::{self, StageTimes, Treatment, VisionError};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

/// Does it; `None` where it panicked, which the panic hook has reported.
pub(super) fn guarded<T>(what: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(what)).ok()
}

/// What finds and reads plates in a frame.
pub(super) trait Eye {
    fn look(
        &mut self,
        frame: &Frame,
        expected: &[[f32; 4]],
        treatment: &mut dyn FnMut(&Detection) -> Treatment,
    ) -> Result<(Vec<Reading>, StageTimes), VisionError>;
}

impl Eye for vision::Worker {
    fn look(
        &mut self,
        frame: &Frame,
        expected: &[[f32; 4]],
        treatment: &mut dyn FnMut(&Detection) -> Treatment,
    ) -> Result<(Vec<Reading>, StageTimes), VisionError> {
        self.process_where(frame, expected, treatment)
    }
}

/// Makes the models of one thread, at the start and after each defect.
pub(super) type MakeEye = Box<dyn Fn() -> Result<Box<dyn Eye + Send>, VisionError> + Send>;

/// Defects made on purpose, by `platewatch bench faults` and tests; no configuration can ask for them.
#[derive(Debug, Clone, Copy, Default)]
pub struct Faults {
    /// Every vision thread panics at each frame of this number.
    pub vision_every: Option<u64>,
    /// The recorder panics at this record.
    pub recorder_at: Option<u64>,
}

/// An eye with a defect.
pub(super) struct FaultyEye {
    pub eye: Box<dyn Eye + Send>,
    pub every: u64,
    pub frames: u64,
}

impl Eye for FaultyEye {
    #[expect(clippy::panic, reason = "the defect itself")]
    fn look(
        &mut self,
        frame: &Frame,
        expected: &[[f32; 4]],
        treatment: &mut dyn FnMut(&Detection) -> Treatment,
    ) -> Result<(Vec<Reading>, StageTimes), VisionError> {
        self.frames += 1;
        if self.frames.is_multiple_of(self.every.max(1)) {
            panic!("a defect made on purpose (bench faults)");
        }
        self.eye.look(frame, expected, treatment)
    }
}

/// How a camera whose frames cause defects is held back: its thread has others to serve.
pub(super) struct Pause {
    backoff: Backoff,
    until: Option<Instant>,
}

impl Pause {
    pub fn new() -> Self {
        Self { backoff: Backoff::new(Duration::from_millis(100), Duration::from_secs(30)), until: None }
    }

    /// One more defect.
    pub fn failed(&mut self) {
        self.until = Some(Instant::now() + self.backoff.failed());
    }

    /// A frame went well.
    pub fn well(&mut self) {
        if self.until.take().is_some() {
            self.backoff.succeeded();
        }
    }

    /// Whether its frames are left out now.
    pub fn holds(&self) -> bool {
        self.until.is_some_and(|until| Instant::now() < until)
    }
}
