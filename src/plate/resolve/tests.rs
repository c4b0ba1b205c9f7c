//! What is settled, and what is left alone.
