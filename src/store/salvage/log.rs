//! The write-ahead log, read without SQLite, which believes a log up to its first bad frame and drops the rest without
//! a word: transactions that had returned would be gone and nobody would know.
//!
//! Format: <https://sqlite.org/fileformat2.html#walformat>. A frame's checksum covers all frames before it, but its
//! predecessor's stored sum is enough to check it, so frames behind a spoilt one can still be told from noise.

use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

const HEADER: usize = 32;
const FRAME: usize = 24;

/// One frame that holds what was written.
struct Frame {
    page: u32,
    /// Pages of the database after the transaction that it ends; 0 within one.
    commit: u32,
    /// Where its page stands in the log.
    at: usize,
}

struct Log {
    bytes: Vec<u8>,
    page_size: usize,
    /// Frames that hold, in order; `None` stands for those that do not.
    frames: Vec<Option<Frame>>,
}

/// Whether synced transactions lie behind a frame that does not hold.
///
/// A cut of the power tears the last transaction at most: every one before was on disk when it returned. So one
/// commit behind a bad frame may be such a tear, two are damage.
pub(super) fn is_torn(path: &Path) -> io::Result<bool> {
    let Some(log) = Log::read(path)? else { return Ok(false) };
    let behind = log.frames.iter().skip_while(|f| f.is_some());
    Ok(behind.flatten().filter(|f| f.commit > 0).count() >= 2)
}

/// Writes the database as it would be with every frame of the log that holds, and no other, into `to`.
pub(super) fn rebuild(database: &Path, log: &Path, to: &Path) -> io::Result<()> {
    let mut out = File::options().read(true).write(true).create(true).truncate(true).open(to)?;
    match File::open(database) {
        Ok(mut file) => drop(io::copy(&mut file, &mut out)?),
        Err(e) if e.kind() == io::ErrorKind::NotFound => {}
        Err(e) => return Err(e),
    }
    let Some(log) = Log::read(log)? else { return out.sync_all() };
    let mut latest: BTreeMap<u32, &[u8]> = BTreeMap::new();
    let mut pages = 0;
    let last = log.frames.iter().rposition(|f| f.as_ref().is_some_and(|f| f.commit > 0));
    for frame in log.frames.iter().take(last.map_or(0, |i| i + 1)).flatten() {
        if let Some(page) = log.bytes.get(frame.at..frame.at + log.page_size) {
            latest.insert(frame.page, page);
        }
        if frame.commit > 0 {
            pages = frame.commit;
        }
    }
    for (number, page) in latest.iter().filter(|(n, _)| **n <= pages) {
        out.seek(SeekFrom::Start(u64::from(number - 1) * log.page_size as u64))?;
        out.write_all(page)?;
    }
    if pages > 0 {
        // A database that was cut off reads as zeros there, which SQLite takes for damage, as it should.
        out.set_len(u64::from(pages) * log.page_size as u64)?;
    }
    // Bytes 18 and 19 say that there is a write-ahead log; the rebuilt file has none. In an encrypted one nothing can
    // be said without the key, and SQLite finds out by itself.
    let mut first = [0; 16];
    out.seek(SeekFrom::Start(0))?;
    if out.read_exact(&mut first).is_ok() && &first == b"SQLite format 3\0" {
        out.seek(SeekFrom::Start(18))?;
        out.write_all(&[1, 1])?;
    }
    out.sync_all()
}

impl Log {
    /// `None` where there is no log, or not even one frame of it.
    fn read(path: &Path) -> io::Result<Option<Self>> {
        let mut bytes = Vec::new();
        match File::open(path) {
            Ok(mut file) => drop(file.read_to_end(&mut bytes)?),
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(e),
        }
        let magic = word(&bytes, 0).unwrap_or(0);
        let told = word(&bytes, 8).unwrap_or(0) as usize;
        let sound = magic & !1 == 0x377f_0682
            && sum(magic & 1 == 1, (0, 0), bytes.get(..24).unwrap_or_default()) == pair(&bytes, 24);
        let page_size =
            if sound && told.is_power_of_two() && (512..=65_536).contains(&told) { told } else { 4096 };
        let big = sound && magic & 1 == 1;
        let salts =
            if sound { word(&bytes, 16).zip(word(&bytes, 20)) } else { first_salts(&bytes, page_size) };
        let Some(salts) = salts else { return Ok(None) };
        let mut frames = Vec::new();
        let mut seed = if sound { pair(&bytes, 24) } else { None };
        let mut at = HEADER;
        while let Some(frame) = bytes.get(at..at + FRAME + page_size) {
            let header = frame.get(..8).unwrap_or_default();
            let body = frame.get(FRAME..).unwrap_or_default();
            let stored = pair(frame, 16);
            let ours = word(frame, 8).zip(word(frame, 12)) == Some(salts);
            let holds = ours
                && seed.is_some_and(|seed| {
                    sum(big, seed, header).and_then(|s| sum(big, s, body)) == stored && stored.is_some()
                });
            let page = word(frame, 0).filter(|p| *p > 0);
            frames.push(page.filter(|_| holds).map(|page| Frame {
                page,
                commit: word(frame, 4).unwrap_or(0),
                at: at + FRAME,
            }));
            seed = stored;
            at += FRAME + page_size;
        }
        Ok(Some(Self { bytes, page_size, frames }))
    }
}

/// The salts of a log whose header is spoilt: the first in it that two frames share. The round under way stands in
/// front of what is left of earlier ones, and its first frames may be spoilt with the header.
fn first_salts(bytes: &[u8], page_size: usize) -> Option<(u32, u32)> {
    let mut seen = HashSet::new();
    let frames = (HEADER..).step_by(FRAME + page_size).take_while(|at| at + FRAME <= bytes.len());
    let salts = frames.filter_map(|at| word(bytes, at + 8).zip(word(bytes, at + 12)));
    let all: Vec<(u32, u32)> = salts.collect();
    let shared: HashSet<(u32, u32)> = all.iter().copied().filter(|s| !seen.insert(*s)).collect();
    all.into_iter().find(|s| shared.contains(s))
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn pair(bytes: &[u8], at: usize) -> Option<(u32, u32)> {
    word(bytes, at).zip(word(bytes, at + 4))
}

/// The log's checksum over `bytes`, going on from `seed`.
fn sum(big: bool, seed: (u32, u32), bytes: &[u8]) -> Option<(u32, u32)> {
    let (mut s0, mut s1) = seed;
    for pair in bytes.chunks_exact(8) {
        let number = |part: &[u8]| -> Option<u32> {
            let part: [u8; 4] = part.try_into().ok()?;
            Some(if big { u32::from_be_bytes(part) } else { u32::from_le_bytes(part) })
        };
        s0 = s0.wrapping_add(number(pair.get(..4)?)?).wrapping_add(s1);
        s1 = s1.wrapping_add(number(pair.get(4..)?)?).wrapping_add(s0);
    }
    Some((s0, s1))
}
