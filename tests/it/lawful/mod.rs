//! The law, sentence by sentence, on the real binary: what must, may only and never happen, each with its words.
//!
//! Named after the sentences of the issue; `cargo nextest run lawful` runs them all. Time passes by libfaketime
//! (Debian's `faketime`), which moves the clock of the real program from outside; the program has no seam for it.

mod access;
mod aside;
mod gpsd;
mod kept;
mod lawbox;
mod life;
mod mandates;
mod modes;
mod page;
mod people;
mod places;
mod registers;
mod retention;
mod subject;
mod times;
