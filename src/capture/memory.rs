//! The memory of a camera's frames, used again.
//!
//! A frame of 1920x1080 takes 6 MB, 25 times a second. Fresh memory for each either costs a page fault for every 4 KB
//! or leaves holes in the heap of the thread that decodes, and the program grows for hours.

use crate::domain::Image;
use std::sync::Arc;

/// Frames whose memory may be used again: as many as are on their way to vision at once. More are freed as ever.
const MOST: usize = 6;
/// Most bytes of them: five frames of 3840x2160.
const MOST_BYTES: usize = 128_000_000;

/// Frames given out; the memory of those nobody holds any more is used again, the longest unused first.
#[derive(Default)]
pub(super) struct Memory {
    given: Vec<Arc<Image>>,
}

impl Memory {
    /// So many bytes with anything in them: of a frame nobody holds any more, or new.
    pub fn take(&mut self, bytes: usize) -> Vec<u8> {
        self.unused(bytes).unwrap_or_else(|| vec![0; bytes])
    }

    /// A copy of `pixels`, in such memory.
    pub fn copy(&mut self, pixels: &[u8]) -> Vec<u8> {
        let Some(mut bgr) = self.unused(pixels.len()) else { return pixels.to_vec() };
        bgr.copy_from_slice(pixels);
        bgr
    }

    fn unused(&mut self, bytes: usize) -> Option<Vec<u8>> {
        let unused = |image: &Arc<Image>| Arc::strong_count(image) == 1;
        while let Some(i) = self.given.iter().position(unused) {
            // Of another size where the camera changed it: that memory is let go.
            match Arc::try_unwrap(self.given.remove(i)).map(Image::into_bgr) {
                Ok(bgr) if bgr.len() == bytes => return Some(bgr),
                _ => {}
            }
        }
        None
    }

    /// Gives out a frame, and remembers its memory.
    pub fn give(&mut self, image: Image) -> Arc<Image> {
        let image = Arc::new(image);
        let held = self.given.iter().map(|i| i.bgr().len()).sum::<usize>();
        if self.given.len() < MOST && held.saturating_add(image.bgr().len()) <= MOST_BYTES {
            self.given.push(image.clone());
        }
        image
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(memory: &mut Memory, size: u32, grey: u8) -> Arc<Image> {
        let mut bgr = memory.take((size * size * 3) as usize);
        bgr.fill(grey);
        memory.give(Image::new(size, size, bgr).unwrap())
    }

    #[test]
    fn a_frame_that_is_looked_at_keeps_its_pixels() {
        let mut memory = Memory::default();
        let held = shown(&mut memory, 4, 1);
        for grey in 2..20 {
            assert!(shown(&mut memory, 4, grey).bgr().iter().all(|b| *b == grey));
        }
        assert!(held.bgr().iter().all(|b| *b == 1));
        assert_eq!(memory.given.len(), 2, "all others shared one memory");
    }

    #[test]
    fn old_frames_do_not_stay() {
        let mut memory = Memory::default();
        drop((0..MOST).map(|_| shown(&mut memory, 4, 1)).collect::<Vec<_>>());
        (0..MOST).for_each(|_| drop(shown(&mut memory, 4, 2)));
        assert!(memory.given.iter().all(|image| image.bgr().iter().all(|b| *b == 2)));
    }

    #[test]
    fn no_more_is_kept_than_is_of_use() {
        let mut memory = Memory::default();
        let held: Vec<_> = (0..20).map(|grey| shown(&mut memory, 4, grey)).collect();
        assert_eq!(memory.given.len(), MOST);
        drop(held);
        assert_eq!(shown(&mut memory, 5, 1).width(), 5);
        assert_eq!(memory.given.len(), 1, "memory of another size is let go");
        let large: Vec<_> =
            (0..4).map(|_| memory.give(Image::new(4000, 4000, vec![0; 48_000_000]).unwrap())).collect();
        assert_eq!((large.len(), memory.given.len()), (4, 3), "and not more bytes than are allowed");
    }

    #[test]
    fn a_copy_has_the_pixels() {
        let mut memory = Memory::default();
        for n in 1..4 {
            let image = Image::new(2, 1, memory.copy(&[n; 6])).unwrap();
            assert_eq!(memory.give(image).bgr(), [n; 6]);
        }
        assert_eq!(memory.given.len(), 1);
    }
}
