-- Answers of operators, and searches of what has passed already.
-- A search of passages already kept for the entries of a list, asked for by a person. The hits it finds are
-- late: the vehicle has long gone.
CREATE TABLE past_search (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    list_version INTEGER NOT NULL REFERENCES list_version (id),
    since        INTEGER,  -- passages first seen from then on; NULL: all that are kept
    purpose      TEXT    NOT NULL CHECK (purpose <> ''),
    case_ref     TEXT    NOT NULL CHECK (case_ref <> ''),
    asked_by     TEXT    NOT NULL CHECK (asked_by <> ''),
    allowed_by   TEXT    NOT NULL,  -- why it was allowed, in the words of the gate
    started_at   INTEGER NOT NULL,
    ended_at     INTEGER,  -- NULL: it runs, or was cut off; what it had found until then is kept
    passages     INTEGER NOT NULL DEFAULT 0 CHECK (passages >= 0),  -- searched
    hits         INTEGER NOT NULL DEFAULT 0 CHECK (hits >= 0)       -- found that were not known
) STRICT;

-- What operators answered to a hit. A row is never changed: a correction is another row, and the last one
-- (the highest id) counts.
CREATE TABLE outcome (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    hit         TEXT    NOT NULL REFERENCES hit (id) ON DELETE CASCADE,
    answer      TEXT    NOT NULL CHECK (answer IN ('confirmed', 'misread', 'wrong-country',
                    'list-out-of-date', 'no-capacity', 'intercepted', 'dismissed')),
    answered_by TEXT    NOT NULL CHECK (answered_by <> ''),
    answered_at INTEGER NOT NULL,
    note        TEXT    NOT NULL,  -- '' where none was given
    source      TEXT    NOT NULL CHECK (source IN ('console', 'cli', 'mqtt'))
) STRICT;
CREATE INDEX outcome_by_hit ON outcome (hit, id);

ALTER TABLE hit ADD COLUMN past_search INTEGER REFERENCES past_search (id);
CREATE INDEX hit_late ON hit (first_decided_at) WHERE past_search IS NOT NULL;
