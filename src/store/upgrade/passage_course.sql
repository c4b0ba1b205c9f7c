-- Adds to a passage where it went and whether its readings contradict each other.

ALTER TABLE passage ADD COLUMN contradictory INTEGER NOT NULL DEFAULT 0 CHECK (contradictory IN (0, 1));
ALTER TABLE passage ADD COLUMN direction TEXT CHECK (direction IN ('towards', 'away', 'left', 'right'));
ALTER TABLE passage ADD COLUMN lane TEXT CHECK (lane <> '');
