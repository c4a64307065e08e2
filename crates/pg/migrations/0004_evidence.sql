-- What tells whose words a supplier's words are, and what is asked about although it is closed.

-- Serial numbers that settled a purchase, as digests, for ever.
CREATE TABLE proof (
    supplier TEXT NOT NULL,
    digest   BYTEA NOT NULL,
    trx      BIGINT NOT NULL,
    PRIMARY KEY (supplier, digest)
);

-- Equal purchases of a day, counted where a supplier wants to know the n-th.
CREATE TABLE turn (
    day     BIGINT NOT NULL,
    product TEXT NOT NULL,
    dest    TEXT NOT NULL,
    count   BIGINT NOT NULL,
    PRIMARY KEY (day, product, dest)
);
ALTER TABLE attempt ADD COLUMN counter BIGINT NOT NULL DEFAULT 1;
ALTER TABLE supplier ADD COLUMN counts BOOLEAN NOT NULL DEFAULT FALSE;

-- Closed attempts are due too when a callback that is not believed by itself contradicts them.
DROP INDEX attempt_open;
CREATE INDEX attempt_due ON attempt (lane, next) WHERE state <> 'intended' AND next IS NOT NULL;
