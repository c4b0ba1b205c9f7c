-- Version 5, part "proof": what this part adds to a database of version 4.

-- Lets a row be proven to stand in the chain while what others did stays withheld; NULL: a row of before.
ALTER TABLE audit ADD COLUMN salt TEXT CHECK (length(salt) = 32);
