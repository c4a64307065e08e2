-- What tells whose words a supplier's words are, and what is asked about although it is closed.

-- Serial numbers that settled a purchase, as digests, for ever (sqlite/src/proofs.rs). `proof_young`
-- is in order of time and is sorted into `proof` in pieces.
CREATE TABLE proof (
    supplier TEXT NOT NULL,
    digest   BLOB NOT NULL,
    trx      INTEGER NOT NULL,
    PRIMARY KEY (supplier, digest)
) WITHOUT ROWID;
CREATE TABLE proof_young (
    id       INTEGER PRIMARY KEY,
    supplier TEXT NOT NULL,
    digest   BLOB NOT NULL,
    trx      INTEGER NOT NULL
);
-- 0 until the successes of before are in.
CREATE TABLE proof_state (filled INTEGER NOT NULL);
INSERT INTO proof_state VALUES (0);

-- Equal purchases of a day, counted where a supplier wants to know the n-th.
CREATE TABLE turn (
    day     INTEGER NOT NULL,
    product TEXT NOT NULL,
    dest    TEXT NOT NULL,
    count   INTEGER NOT NULL,
    PRIMARY KEY (day, product, dest)
) WITHOUT ROWID;
ALTER TABLE attempt ADD COLUMN counter INTEGER NOT NULL DEFAULT 1;
ALTER TABLE supplier ADD COLUMN counts INTEGER NOT NULL DEFAULT 0;

-- Closed attempts are due too when a callback that is not believed by itself contradicts them.
DROP INDEX attempt_open;
CREATE INDEX attempt_due ON attempt (next) WHERE state <> 'intended' AND next IS NOT NULL;
