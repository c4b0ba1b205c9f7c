-- The database of one box, version 5: the contract between platewatch, auditors and whoever reads the
-- file with other tools. To change it: write upgrade/vN_to_vM.sql, then bring this file to the same
-- result; a test compares the two. Frozen copies of shipped versions stand in upgrade/.
--
-- Everywhere: times are INTEGER milliseconds since 1970-01-01T00:00:00Z; ids are UUIDv7 in the
-- hyphenated form, lower case; probabilities are REAL from 0 to 1; hashes are SHA-256 in lower-case
-- hexadecimal; NULL means what the column's comment says, and columns without such a comment are never
-- NULL. `PRAGMA application_id` is 0x504C5741 ("PLWA"), `PRAGMA user_version` the version.

-- Which version was installed when, and by which platewatch; the first row is the creation.
CREATE TABLE schema_version (
    version      INTEGER PRIMARY KEY CHECK (version > 0),
    installed_at INTEGER NOT NULL,
    program      TEXT    NOT NULL  -- version of platewatch
) STRICT;

-- Models that readings came from. A passage names the pair it was read with.
CREATE TABLE model_versions (
    id              INTEGER PRIMARY KEY,
    detector_sha256 TEXT NOT NULL,
    reader_sha256   TEXT NOT NULL,
    UNIQUE (detector_sha256, reader_sha256)
) STRICT;

-- One vehicle's pass before one camera. Written when there is something to announce, and again with
-- the last word when the vehicle has left.
CREATE TABLE passage (
    id             TEXT    PRIMARY KEY CHECK (length(id) = 36),
    camera         TEXT    NOT NULL CHECK (camera <> ''),
    state          TEXT    NOT NULL CHECK (state IN ('open', 'closed')),  -- closed: changes no more
    first_seen     INTEGER NOT NULL,  -- time of the first reading
    last_seen      INTEGER NOT NULL,  -- time of the latest; may be earlier where the clock was set back
    clock_source   TEXT    NOT NULL CHECK (clock_source IN ('ntp', 'gps', 'free-running', 'media')),
    clock_error_ms INTEGER CHECK (clock_error_ms >= 0),  -- NULL: nothing is known of the error
    longitude      REAL CHECK (longitude BETWEEN -180 AND 180),  -- degrees east, WGS 84; NULL: not known
    latitude       REAL CHECK (latitude BETWEEN -90 AND 90),     -- degrees north; NULL: not known
    heading        REAL,  -- degrees clockwise from north; NULL: not known
    accuracy_m     REAL,  -- estimated horizontal error in metres; NULL: not known
    text           TEXT    NOT NULL CHECK (length(text) BETWEEN 1 AND 16),  -- as observed, [0-9A-Z]
    confidence     REAL    NOT NULL CHECK (confidence BETWEEN 0 AND 1),  -- that the whole text is right
    -- The fused reading, JSON: one object a position of `text`, from character to probability; the key
    -- "" is "nothing stands here"; characters below 0.0001 are left out, figures rounded to 6 decimals.
    distribution   TEXT    NOT NULL CHECK (json_valid(distribution)),
    country        TEXT CHECK (length(country) = 2),  -- likeliest, ISO 3166-1; NULL: the reader does not say
    country_p      REAL CHECK (country_p BETWEEN 0 AND 1),  -- its probability; NULL with `country`
    lines          INTEGER NOT NULL CHECK (lines BETWEEN 0 AND 255),  -- of text on the plate; 0: not known
    readings       INTEGER NOT NULL CHECK (readings >= 0),  -- how many were fused
    agreement      REAL    NOT NULL CHECK (agreement BETWEEN 0 AND 1),  -- share that read `text` on their own
    best_frame     INTEGER NOT NULL,  -- sequence number of the evidence frame at its camera
    best_frame_at  INTEGER NOT NULL,  -- when that frame was taken
    best_frame_received_at INTEGER NOT NULL,  -- when its pixels were in memory
    best_corners   TEXT    NOT NULL CHECK (json_valid(best_corners)),  -- JSON [[x,y] x 4], px, from top-left
    models         INTEGER REFERENCES model_versions (id),  -- NULL: not told
    -- Since version 4. Whether its readings contradict each other, as those of two vehicles do.
    contradictory  INTEGER NOT NULL DEFAULT 0 CHECK (contradictory IN (0, 1)),
    direction      TEXT CHECK (direction IN ('towards', 'away', 'left', 'right')),  -- NULL: it stood, or not known
    lane           TEXT CHECK (lane <> ''),  -- the camera's lane or zone it was seen in most; NULL: in none
    -- Since version 5. Reference of the mandate the camera worked under; NULL: under none.
    mandate        TEXT CHECK (mandate <> ''),
    CHECK ((longitude IS NULL) = (latitude IS NULL)),
    CHECK ((country IS NULL) = (country_p IS NULL))
) STRICT;
CREATE INDEX passage_by_time ON passage (first_seen);
CREATE INDEX passage_by_text ON passage (text, first_seen);

-- A load of a list that has caused a hit.
CREATE TABLE list_version (
    id        INTEGER PRIMARY KEY,
    name      TEXT    NOT NULL,
    sha256    TEXT    NOT NULL,  -- of the file as loaded
    loaded_at INTEGER NOT NULL,
    UNIQUE (name, sha256, loaded_at)
) STRICT;

-- A match that goes to operators, with the entry as it stood in the list when last decided: lists
-- change, the reason for a hit must not. What was read and what is wanted stand apart.
CREATE TABLE hit (
    id                TEXT    PRIMARY KEY CHECK (length(id) = 36),
    passage           TEXT    NOT NULL REFERENCES passage (id) ON DELETE CASCADE,
    state             TEXT    NOT NULL CHECK (state IN ('new', 'updated', 'final', 'withdrawn')),
    kind              TEXT    NOT NULL CHECK (kind IN ('exact', 'resolved', 'alternative', 'wildcard')),
    probability       REAL    NOT NULL CHECK (probability BETWEEN 0 AND 1),  -- of carrying entry_plate
    observed          TEXT    NOT NULL,  -- the passage's text when last decided
    list_version      INTEGER NOT NULL REFERENCES list_version (id),
    entry_plate       TEXT    NOT NULL,  -- as wanted
    entry_line        INTEGER NOT NULL,  -- in the list's file, the header being line 1
    entry_category    TEXT    NOT NULL,
    entry_priority    INTEGER NOT NULL CHECK (entry_priority BETWEEN 0 AND 255),  -- 0: most urgent
    entry_country     TEXT,     -- NULL: any
    entry_valid_from  INTEGER,  -- first instant it counts; NULL: always did
    entry_valid_until INTEGER,  -- first instant it no longer counts; NULL: no end
    entry_case        TEXT    NOT NULL,  -- '' where the list gives none
    entry_instruction TEXT    NOT NULL,  -- '' where the list gives none
    first_decided_at  INTEGER NOT NULL,
    decided_at        INTEGER NOT NULL,  -- the latest decision
    past_search       INTEGER REFERENCES past_search (id)  -- the search that found it; NULL: found as it passed
) STRICT;
CREATE INDEX hit_by_passage ON hit (passage);
CREATE INDEX hit_by_time ON hit (first_decided_at);
CREATE INDEX hit_by_observed ON hit (observed);
CREATE INDEX hit_by_entry_plate ON hit (entry_plate);
CREATE INDEX hit_by_list ON hit (list_version);
CREATE INDEX hit_late ON hit (first_decided_at) WHERE past_search IS NOT NULL;

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

-- A picture: the file pictures/<first two digits>/<sha256>.jpg, on disk before its row.
CREATE TABLE evidence (
    sha256    TEXT    PRIMARY KEY CHECK (length(sha256) = 64),
    width     INTEGER NOT NULL CHECK (width > 0),   -- px
    height    INTEGER NOT NULL CHECK (height > 0),  -- px
    bytes     INTEGER NOT NULL CHECK (bytes > 0)    -- size of the file
) STRICT;

-- Which pictures belong to which passage. What the picture shows and when it was taken stand here, not
-- with the picture: a clip that is played twice, or a still scene, gives the same bytes twice.
CREATE TABLE passage_evidence (
    passage     TEXT    NOT NULL REFERENCES passage (id) ON DELETE CASCADE,
    sha256      TEXT    NOT NULL REFERENCES evidence (sha256),
    role        TEXT    NOT NULL CHECK (role IN ('plate', 'context')),
    frame_seq   INTEGER NOT NULL,  -- of the frame it was cut from, at its camera
    captured_at INTEGER NOT NULL,  -- when that frame was taken
    PRIMARY KEY (passage, role, sha256)
) STRICT, WITHOUT ROWID;
CREATE INDEX passage_evidence_by_picture ON passage_evidence (sha256);

-- Messages for the broker. A row is pending until the broker acknowledges it (done) or it is given up
-- on (dead). Rows stay after that, so that the same event is never sent twice and what operators were
-- told can be shown.
CREATE TABLE outbox (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,  -- grows in the order of recording
    event_id   TEXT    NOT NULL UNIQUE,            -- CloudEvents id
    kind       TEXT    NOT NULL CHECK (kind IN ('hit', 'passage')),  -- sorts hits first
    hit        TEXT REFERENCES hit (id) ON DELETE CASCADE,  -- NULL: tells of a passage
    topic      TEXT    NOT NULL,
    payload    TEXT,  -- NULL: a passage message that is done, forgotten as passages without hits are
    created_at INTEGER NOT NULL,
    state      TEXT    NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'done', 'dead')),
    ended_at   INTEGER,  -- when done or dead; NULL: pending
    reason     TEXT,     -- why it was given up on; NULL: it was not
    CHECK (payload IS NOT NULL OR state = 'done'),
    CHECK ((ended_at IS NULL) = (state = 'pending')),
    CHECK ((reason IS NULL) = (state <> 'dead'))
) STRICT;
CREATE INDEX outbox_pending ON outbox (kind, id) WHERE state = 'pending';
CREATE INDEX outbox_dead ON outbox (id) WHERE state = 'dead';
CREATE INDEX outbox_by_hit ON outbox (hit);

-- Who did and saw what, each row sealed to the one before it (src/store/audit). Rows are never updated
-- and, but by retention, never deleted.
CREATE TABLE audit (
    seq      INTEGER PRIMARY KEY CHECK (seq > 0),       -- from 1 without gaps
    at       INTEGER NOT NULL,                          -- by the box's clock
    actor    TEXT    NOT NULL CHECK (actor <> ''),      -- 'box', or who did it
    action   TEXT    NOT NULL CHECK (action <> ''),     -- a word of AuditAction
    detail   TEXT    NOT NULL CHECK (json_valid(detail)),    -- JSON object of texts
    previous TEXT    NOT NULL CHECK (length(previous) = 64), -- hash of the row before; zeros for the first
    hash     TEXT    NOT NULL CHECK (length(hash) = 64),     -- SHA-256 of this row, see row_hash
    -- Since version 5. Random, hexadecimal: keeps what a row says from being guessed by its hash where the row is
    -- withheld from a proof; NULL: a row of before.
    salt     TEXT CHECK (length(salt) = 32)
) STRICT;

-- Signatures of the box over the chain as it stood, at intervals.
CREATE TABLE audit_seal (
    seq       INTEGER PRIMARY KEY REFERENCES audit (seq),  -- the latest row then
    at        INTEGER NOT NULL,
    key       TEXT NOT NULL CHECK (length(key) = 64),         -- public key, hexadecimal
    signature TEXT NOT NULL CHECK (length(signature) = 128)   -- Ed25519 (RFC 8032), hexadecimal
) STRICT;

-- Messages of operators that were followed: an id counts once for its signer. A row goes when it has expired and
-- 10,000 others came after it.
CREATE TABLE inbound_message (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,  -- grows in the order of coming
    signer     TEXT    NOT NULL,  -- whose key signed it, or 'broker'
    message    TEXT    NOT NULL,  -- CloudEvents id
    expires_at INTEGER NOT NULL,  -- from then on it would be too old to be followed
    UNIQUE (signer, message)
) STRICT;

-- Cameras that an operator has stopped and not let go on.
CREATE TABLE paused_camera (
    camera   TEXT    PRIMARY KEY,
    since    INTEGER NOT NULL,
    asked_by TEXT    NOT NULL,
    reason   TEXT    NOT NULL  -- '': not said
) STRICT;

-- The register of use (version 5, part "mandate"): every camera's time as periods without a hole between them,
-- in which it looked ('use') or did not ('pause'). Begun and ended by the box itself; a period that a loss of
-- power or a kill cut off ends at `alive_at`, and the next start writes a pause up to then.
CREATE TABLE use_period (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    camera      TEXT    NOT NULL CHECK (camera <> ''),
    state       TEXT    NOT NULL CHECK (state IN ('use', 'pause')),
    began_at    INTEGER NOT NULL,
    ended_at    INTEGER CHECK (ended_at >= began_at),  -- NULL: it goes on
    alive_at    INTEGER NOT NULL CHECK (alive_at >= began_at),  -- until then the box is known to have lived
    reason      TEXT    NOT NULL,  -- pause: why, a word; use: '', or what did not fit under the policy 'warn'
    explanation TEXT    NOT NULL,  -- the same as a sentence
    preset      TEXT    NOT NULL,  -- rules in force
    policy      TEXT    NOT NULL CHECK (policy IN ('enforce', 'warn', 'off')),
    kind        TEXT,  -- of camera: 'fixed', 'mobile', ...; NULL: not configured
    mandate     TEXT,  -- reference; NULL: none
    mode        TEXT    NOT NULL CHECK (mode IN ('visible', 'covert')),
    ground      TEXT,  -- legal ground of a covert use; NULL: visible
    officer     TEXT,  -- in charge; NULL: nobody was named
    purposes    TEXT    NOT NULL CHECK (json_valid(purposes)),  -- JSON array of words, as the mandate has them
    place       TEXT,  -- name of the mandate's place; NULL: not known
    track       TEXT    NOT NULL CHECK (json_valid(track)),     -- JSON array of [longitude, latitude]; one: stood
    lists       TEXT    NOT NULL CHECK (json_valid(lists)),     -- JSON object, from list to array of SHA-256
    passages    INTEGER NOT NULL DEFAULT 0 CHECK (passages >= 0),  -- that ended in it, kept or not
    hits        INTEGER NOT NULL DEFAULT 0 CHECK (hits >= 0)
) STRICT;
CREATE INDEX use_period_by_camera ON use_period (camera, id);

-- Officers in charge of a box, from card or code to the end of the shift.
CREATE TABLE duty (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    officer  TEXT    NOT NULL CHECK (officer <> ''),
    began_at INTEGER NOT NULL,
    ended_at INTEGER CHECK (ended_at >= began_at),  -- NULL: still on duty
    ended_by TEXT     -- 'officer', 'relieved', 'time', 'box-stopped'; NULL with `ended_at`
) STRICT;

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
