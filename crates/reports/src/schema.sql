-- Derived; a file of another version is thrown away and grows again.

-- Up to where each lane's ledger was followed, and the hash there.
CREATE TABLE place (lane INTEGER PRIMARY KEY, seq INTEGER NOT NULL, hash BLOB NOT NULL);

CREATE TABLE sale (
    no       INTEGER PRIMARY KEY,
    member   INTEGER NOT NULL,
    ref      TEXT NOT NULL,
    product  TEXT NOT NULL,
    dest     TEXT NOT NULL,
    supplier TEXT NOT NULL,
    state    TEXT NOT NULL,
    sn       TEXT NOT NULL,
    price    INTEGER NOT NULL,
    cost     INTEGER NOT NULL,
    created  INTEGER NOT NULL,
    day      INTEGER NOT NULL
);
CREATE INDEX sale_member ON sale (member, no);
CREATE INDEX sale_dest ON sale (dest, no);
CREATE INDEX sale_product ON sale (product, no);
CREATE INDEX sale_supplier ON sale (supplier, no);
CREATE INDEX sale_sn ON sale (sn) WHERE sn <> '';
CREATE INDEX sale_ref ON sale (ref);
CREATE INDEX sale_day ON sale (day, no);

-- Statements of members, and of house accounts that people move.
CREATE TABLE entry (
    account TEXT NOT NULL,
    at      INTEGER NOT NULL,
    lane    INTEGER NOT NULL,
    seq     INTEGER NOT NULL,
    kind    TEXT NOT NULL,
    amount  INTEGER NOT NULL,   -- positive: to the account
    balance INTEGER,
    trx     INTEGER,
    other   TEXT NOT NULL,
    note    TEXT NOT NULL,
    PRIMARY KEY (account, at, lane, seq)
) WITHOUT ROWID;

CREATE TABLE tally (
    dim      TEXT NOT NULL,
    day      INTEGER NOT NULL,
    key      TEXT NOT NULL,
    asked    INTEGER NOT NULL DEFAULT 0,
    ok       INTEGER NOT NULL DEFAULT 0,
    failed   INTEGER NOT NULL DEFAULT 0,
    reversed INTEGER NOT NULL DEFAULT 0,
    sales    INTEGER NOT NULL DEFAULT 0,
    cost     INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (dim, day, key)
) WITHOUT ROWID;

CREATE TABLE speed (
    dim    TEXT NOT NULL,
    day    INTEGER NOT NULL,
    key    TEXT NOT NULL,
    bucket INTEGER NOT NULL,
    count  INTEGER NOT NULL,
    PRIMARY KEY (dim, day, key, bucket)
) WITHOUT ROWID;

-- What moved in and out of every account, by day.
CREATE TABLE flow (
    day     INTEGER NOT NULL,
    account TEXT NOT NULL,
    came    INTEGER NOT NULL,
    went    INTEGER NOT NULL,
    PRIMARY KEY (day, account)
) WITHOUT ROWID;
