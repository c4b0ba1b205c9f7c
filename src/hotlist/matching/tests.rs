//! Matches against lists small enough to check by hand.
