-- Adds the audit chain.

-- Who did and saw what, each row sealed to the one before it (src/store/audit). Rows are never updated
-- and, but by retention, never deleted.
CREATE TABLE audit (
    seq      INTEGER PRIMARY KEY CHECK (seq > 0),       -- from 1 without gaps
    at       INTEGER NOT NULL,                          -- by the box's clock
    actor    TEXT    NOT NULL CHECK (actor <> ''),      -- 'box', or who did it
    action   TEXT    NOT NULL CHECK (action <> ''),     -- a word of AuditAction
    detail   TEXT    NOT NULL CHECK (json_valid(detail)),    -- JSON object of texts
    previous TEXT    NOT NULL CHECK (length(previous) = 64), -- hash of the row before; zeros for the first
    hash     TEXT    NOT NULL CHECK (length(hash) = 64)      -- SHA-256 of this row, see row_hash
) STRICT;

-- Signatures of the box over the chain as it stood, at intervals.
CREATE TABLE audit_seal (
    seq       INTEGER PRIMARY KEY REFERENCES audit (seq),  -- the latest row then
    at        INTEGER NOT NULL,
    key       TEXT NOT NULL CHECK (length(key) = 64),         -- public key, hexadecimal
    signature TEXT NOT NULL CHECK (length(signature) = 128)   -- Ed25519 (RFC 8032), hexadecimal
) STRICT;
