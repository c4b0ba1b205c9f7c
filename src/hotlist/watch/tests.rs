//! Files changed under a running watcher.
