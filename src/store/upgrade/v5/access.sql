-- Version 5, part "access": what this part adds to a database of version 4.

-- The law as the box last started with it: verbs that open the store beside the box hold to it.
CREATE TABLE law_in_force (
    id        INTEGER PRIMARY KEY CHECK (id = 1),
    policy    TEXT    NOT NULL CHECK (policy IN ('enforce', 'warn', 'off')),
    preset    TEXT    NOT NULL,
    statement TEXT    NOT NULL,  -- stands in every export
    rules     TEXT    NOT NULL,  -- the preset's file (TOML), as it was read
    terms     TEXT    NOT NULL CHECK (json_valid(terms)),  -- days by kind (JSON object); {} where nothing has a term
    set_at    INTEGER NOT NULL
) STRICT;

-- Every time somebody looked at what is kept, or was refused; the audit chain has a row for each too, without the plate.
CREATE TABLE look (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    at         INTEGER NOT NULL,
    who        TEXT    NOT NULL CHECK (who <> ''),
    role       TEXT    NOT NULL,  -- '' where nobody has to log in
    what       TEXT    NOT NULL CHECK (what <> ''),  -- such as 'log', 'search-past', 'page', 'subject', 'report'
    bulk       INTEGER NOT NULL CHECK (bulk IN (0, 1)),  -- without a plate, or for many
    plate      TEXT,              -- asked for; NULL: none, or the term of plate texts is over
    plate_hash TEXT CHECK (length(plate_hash) = 64),  -- its keyed hash; NULL: none was asked for
    since      INTEGER,           -- asked for from then on; NULL: all that is kept
    before     INTEGER,           -- and before then; NULL: up to now
    purpose    TEXT    NOT NULL,  -- '' where none was given
    case_ref   TEXT    NOT NULL,  -- '' where none was given
    decision   TEXT    NOT NULL,  -- reference of the prosecutor's decision; '' where none was given
    second     TEXT    NOT NULL,  -- the second person; '' where there was none
    allowed    INTEGER NOT NULL CHECK (allowed IN (0, 1)),
    reason     TEXT    NOT NULL,  -- why it was allowed or refused, in the words of the gate
    shown      INTEGER NOT NULL DEFAULT 0 CHECK (shown >= 0),     -- rows
    left_out   INTEGER NOT NULL DEFAULT 0 CHECK (left_out >= 0)   -- rows that were not shown, as reason says
) STRICT;
CREATE INDEX look_by_time ON look (at);
CREATE INDEX look_by_plate ON look (plate_hash);

-- Citizens who asked what is held of them, and the answer. The plate stands here as its keyed hash only.
CREATE TABLE subject_request (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    reference  TEXT    NOT NULL CHECK (reference <> ''),  -- of the request
    plate_hash TEXT    NOT NULL CHECK (length(plate_hash) = 64),
    since      INTEGER NOT NULL,
    before     INTEGER NOT NULL,
    asked_at   INTEGER NOT NULL,
    handled_by TEXT    NOT NULL CHECK (handled_by <> ''),
    second     TEXT    NOT NULL,  -- '' where there was none
    answered_at INTEGER,          -- NULL: not yet, or the making of the package was cut off
    given      INTEGER NOT NULL DEFAULT 0 CHECK (given >= 0),     -- items in the package
    withheld   INTEGER NOT NULL DEFAULT 0 CHECK (withheld >= 0),  -- items for the officer to decide
    sha256     TEXT CHECK (length(sha256) = 64)  -- of the package's JSON; NULL: not answered
) STRICT;
