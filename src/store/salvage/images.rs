//! Every image of a page that stands on the disk: those of the damaged database, of the copy that the log's whole frames
//! were put into, and of the log's own frames, valid or of an earlier round. Those of an encrypted store are opened here,
//! in memory.

use crate::runtime::{PageOpener, StoreKey};
use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// What every database of ours has.
pub(super) const PAGE: usize = 4096;
/// Of a log and of each of its frames, before the page.
const LOG_HEADER: u64 = 32;
const FRAME_HEADER: u64 = 24;

/// See the module.
pub(super) struct Images {
    databases: Vec<File>,
    log: Option<File>,
    frames: u64,
    /// Frames of a page, by the page's number, the latest last.
    by_page: BTreeMap<u32, Vec<u64>>,
    opener: Option<PageOpener>,
}

impl Images {
    /// Of these databases, the best first, and this log; encrypted ones with their key.
    pub fn of(databases: &[&Path], log: &Path, key: Option<&StoreKey>) -> io::Result<Self> {
        let absent_is_none = |found: io::Result<File>| match found {
            Ok(file) => Ok(Some(file)),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e),
        };
        let mut files = Vec::new();
        for path in databases {
            files.extend(absent_is_none(File::open(path))?);
        }
        let log = absent_is_none(File::open(log))?;
        let mut by_page: BTreeMap<u32, Vec<u64>> = BTreeMap::new();
        let mut frames = 0;
        if let Some(log) = &log {
            let frame = FRAME_HEADER + PAGE as u64;
            // The last one may be cut off.
            frames = log.metadata()?.len().saturating_sub(LOG_HEADER).div_ceil(frame);
            for number in 0..frames {
                let mut page = [0; 4];
                if log.read_exact_at(&mut page, LOG_HEADER + number * frame).is_ok() {
                    by_page.entry(u32::from_be_bytes(page)).or_default().push(number);
                }
            }
        }
        let opener = key.and_then(PageOpener::of);
        Ok(Self { databases: files, log, frames, by_page, opener })
    }

    /// Bytes of a page that SQLite writes on.
    pub fn usable(&self) -> usize {
        if self.opener.is_some() { PAGE - crate::runtime::pages::RESERVED } else { PAGE }
    }

    /// Hands over every image: the page, and where on it a first page's own header begins to be a page (0 or 100).
    pub fn each(&self, mut to: impl FnMut(&[u8], usize)) -> io::Result<()> {
        for (i, file) in self.databases.iter().enumerate() {
            for number in 0..file.metadata()?.len().div_ceil(PAGE as u64) {
                let Some(raw) = raw(file, number * PAGE as u64) else { continue };
                let best = self.databases.first().filter(|_| i > 0);
                if best.and_then(|b| self::raw(b, number * PAGE as u64)).as_ref() == Some(&raw) {
                    continue;
                }
                if let Some(page) = self.open(raw, number == 0) {
                    to(&page, if number == 0 { 100 } else { 0 });
                }
            }
        }
        for frame in 0..self.frames {
            if let Some(page) = self.frame(frame, false) {
                to(&page, 0);
            }
        }
        Ok(())
    }

    /// The images of page `number`, the likeliest first.
    pub fn numbered(&self, number: u32) -> impl Iterator<Item = Vec<u8>> {
        let at = u64::from(number.saturating_sub(1)) * PAGE as u64;
        let stored = self.databases.iter().filter_map(move |f| self.open(raw(f, at)?, number == 1));
        let frames = self.by_page.get(&number).into_iter().flatten().rev();
        stored.chain(frames.filter_map(move |f| self.frame(*f, number == 1)))
    }

    fn frame(&self, frame: u64, is_first: bool) -> Option<Vec<u8>> {
        let at = LOG_HEADER + frame * (FRAME_HEADER + PAGE as u64) + FRAME_HEADER;
        self.open(raw(self.log.as_ref()?, at)?, is_first)
    }

    fn open(&self, raw: Vec<u8>, is_first: bool) -> Option<Vec<u8>> {
        match &self.opener {
            Some(opener) => opener.open(&raw, is_first),
            None => Some(raw),
        }
    }
}

/// The page at `at`; of one that is cut off, what there is, and zeros.
fn raw(file: &File, at: u64) -> Option<Vec<u8>> {
    let mut page = vec![0; PAGE];
    let mut read = 0;
    while let Some(rest) = page.get_mut(read..).filter(|r| !r.is_empty()) {
        match file.read_at(rest, at + read as u64) {
            Ok(0) => break,
            Ok(n) => read += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
    (read > 0).then_some(page)
}
