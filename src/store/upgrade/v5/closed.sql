-- Version 5, part "closed": what this part adds to a database of version 4.
CREATE TABLE inbound_message (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    signer     TEXT    NOT NULL,
    message    TEXT    NOT NULL,
    expires_at INTEGER NOT NULL,
    UNIQUE (signer, message)
) STRICT;
CREATE TABLE paused_camera (
    camera   TEXT    PRIMARY KEY,
    since    INTEGER NOT NULL,
    asked_by TEXT    NOT NULL,
    reason   TEXT    NOT NULL
) STRICT;
