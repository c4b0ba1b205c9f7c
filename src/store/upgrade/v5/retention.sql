-- Version 5, part "retention": what this part adds to a database of version 4.

-- A passage whose plate is no longer readable, or never was kept: only its keyed hash is, by which the passage
-- can still be found for a plate that is asked for.
CREATE TABLE passage_trace (
    id         TEXT    PRIMARY KEY CHECK (length(id) = 36),  -- the passage's
    camera     TEXT    NOT NULL CHECK (camera <> ''),
    first_seen INTEGER NOT NULL,
    last_seen  INTEGER NOT NULL,
    plate_hash TEXT    NOT NULL CHECK (length(plate_hash) = 64),  -- HMAC-SHA-256 of the text as read, key in plate.key
    hits       INTEGER NOT NULL CHECK (hits >= 0)            -- how many hits it had; they are gone
) STRICT;
CREATE INDEX passage_trace_by_time ON passage_trace (first_seen);
CREATE INDEX passage_trace_by_plate ON passage_trace (plate_hash, first_seen);

-- What must not be deleted while a case needs it: one hit, one passage, or a plate over a period.
CREATE TABLE legal_hold (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    reference   TEXT    NOT NULL CHECK (reference <> ''),  -- of the case
    reason      TEXT    NOT NULL CHECK (reason <> ''),
    hit         TEXT,     -- the hit held; NULL: another kind of hold
    passage     TEXT,     -- the passage held; NULL: another kind of hold
    plate       TEXT,     -- the plate held; NULL: another kind of hold, or it has ended and the text is gone
    since       INTEGER,  -- passages first seen from then on; NULL: not a hold of a plate
    before      INTEGER,  -- and before then; NULL: not a hold of a plate
    until       INTEGER NOT NULL,  -- the hold ends by itself
    placed_by   TEXT    NOT NULL CHECK (placed_by <> ''),
    placed_at   INTEGER NOT NULL,
    released_by TEXT,     -- NULL: nobody has
    released_at INTEGER,  -- NULL: it was not released
    CHECK ((released_by IS NULL) = (released_at IS NULL)),
    CHECK ((since IS NULL) = (before IS NULL)),
    CHECK ((hit IS NOT NULL) + (passage IS NOT NULL) + (since IS NOT NULL) = 1)
) STRICT;

-- Pictures whose rows are gone and whose files are still to be removed: so that a loss of power leaves none.
CREATE TABLE picture_removal (
    sha256 TEXT PRIMARY KEY CHECK (length(sha256) = 64)
) STRICT, WITHOUT ROWID;

-- Counts of what the deletion under way has removed; moved into the audit chain when it is done.
CREATE TABLE deletion_tally (
    what TEXT    PRIMARY KEY,
    n    INTEGER NOT NULL CHECK (n >= 0)
) STRICT, WITHOUT ROWID;

-- Where the audit chain begins once its oldest rows have passed their term: the last row that was removed, signed.
CREATE TABLE audit_anchor (
    seq       INTEGER PRIMARY KEY CHECK (seq > 0),         -- number of the last row removed
    hash      TEXT    NOT NULL CHECK (length(hash) = 64),  -- its hash, which the first row kept names
    at        INTEGER NOT NULL,                            -- when they were removed
    before    INTEGER NOT NULL,                            -- rows removed are older than this
    key       TEXT    NOT NULL CHECK (length(key) = 64),         -- public key, hexadecimal
    signature TEXT    NOT NULL CHECK (length(signature) = 128)   -- Ed25519 (RFC 8032), hexadecimal
) STRICT;
