//! Files as they come, good and broken.
