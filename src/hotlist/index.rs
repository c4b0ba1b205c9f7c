//! Rows in buckets by a hash of their text: one look into a small table, then a few rows side by side.
//!
//! A bucket table costs 4 bytes for every 4 entries. Looking a text up touches two places in memory however
//! long the list is; a binary search over ten million rows touches some 20.

use super::key::Key;
use std::ops::Range;

/// Entries a bucket holds on average, at most.
const PER_BUCKET: usize = 4;

/// Where each bucket's rows begin.
#[derive(Debug)]
pub(super) struct Index {
    starts: Vec<u32>,
    shift: u32,
}

/// Which of the buckets of a list of so many rows.
pub(super) fn shift_for(rows: usize) -> u32 {
    let buckets = rows.div_ceil(PER_BUCKET).next_power_of_two().max(2);
    64 - buckets.trailing_zeros()
}

/// The order rows stand in: by bucket, then by text.
pub(super) fn order(key: Key, shift: u32) -> (u64, Key) {
    (key.hash() >> shift, key)
}

impl Index {
    /// Of rows that stand in [`order`] for `shift`.
    pub fn new(keys: impl Iterator<Item = Key>, shift: u32) -> Self {
        let buckets = 1usize << (64 - shift);
        let mut starts: Vec<u32> = Vec::with_capacity(buckets + 1);
        let mut row = 0u32;
        for key in keys {
            let bucket = (key.hash() >> shift) as usize;
            while starts.len() <= bucket {
                starts.push(row);
            }
            row += 1;
        }
        starts.resize(buckets + 1, row);
        Self { starts, shift }
    }

    /// The rows among which a text's are.
    pub fn bucket(&self, key: Key) -> Range<usize> {
        let bucket = (key.hash() >> self.shift) as usize;
        let at = |i: usize| self.starts.get(i).map_or(0, |&s| s as usize);
        at(bucket)..at(bucket + 1)
    }

    /// Bytes on the heap.
    pub fn bytes(&self) -> usize {
        self.starts.capacity() * size_of::<u32>()
    }
}
