-- Version 5, part "mandate": what this part adds to a database of version 4.

ALTER TABLE passage ADD COLUMN mandate TEXT CHECK (mandate <> '');

CREATE TABLE use_period (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    camera      TEXT    NOT NULL CHECK (camera <> ''),
    state       TEXT    NOT NULL CHECK (state IN ('use', 'pause')),
    began_at    INTEGER NOT NULL,
    ended_at    INTEGER CHECK (ended_at >= began_at),
    alive_at    INTEGER NOT NULL CHECK (alive_at >= began_at),
    reason      TEXT    NOT NULL,
    explanation TEXT    NOT NULL,
    preset      TEXT    NOT NULL,
    policy      TEXT    NOT NULL CHECK (policy IN ('enforce', 'warn', 'off')),
    kind        TEXT,
    mandate     TEXT,
    mode        TEXT    NOT NULL CHECK (mode IN ('visible', 'covert')),
    ground      TEXT,
    officer     TEXT,
    purposes    TEXT    NOT NULL CHECK (json_valid(purposes)),
    place       TEXT,
    track       TEXT    NOT NULL CHECK (json_valid(track)),
    lists       TEXT    NOT NULL CHECK (json_valid(lists)),
    passages    INTEGER NOT NULL DEFAULT 0 CHECK (passages >= 0),
    hits        INTEGER NOT NULL DEFAULT 0 CHECK (hits >= 0)
) STRICT;
CREATE INDEX use_period_by_camera ON use_period (camera, id);

CREATE TABLE duty (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    officer  TEXT    NOT NULL CHECK (officer <> ''),
    began_at INTEGER NOT NULL,
    ended_at INTEGER CHECK (ended_at >= began_at),
    ended_by TEXT
) STRICT;
