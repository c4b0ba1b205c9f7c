//! The formats against plates whose class is known.
