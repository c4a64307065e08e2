-- Which credentials of a member came with an import and were not changed since: 1 the PIN, 2 the
-- password, 3 both.

ALTER TABLE member ADD COLUMN imported INTEGER NOT NULL DEFAULT 0 CHECK (imported BETWEEN 0 AND 3);
