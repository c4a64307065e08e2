-- The first schema. Times are UTC milliseconds, amounts whole rupiah.

CREATE TABLE chain (
    name TEXT PRIMARY KEY,
    seq  INTEGER NOT NULL,
    head BLOB NOT NULL
) WITHOUT ROWID;
INSERT INTO chain (name, seq, head) VALUES ('ledger', 0, zeroblob(32)), ('journal', 0, zeroblob(32));

-- Catalog -------------------------------------------------------------------------------------

CREATE TABLE level (
    code    TEXT PRIMARY KEY,
    name    TEXT NOT NULL,
    list_id TEXT NOT NULL UNIQUE
) WITHOUT ROWID;

CREATE TABLE member (
    id             INTEGER PRIMARY KEY,
    code           TEXT NOT NULL UNIQUE,
    name           TEXT NOT NULL,
    active         INTEGER NOT NULL,
    level          TEXT NOT NULL,
    credit_limit   INTEGER NOT NULL CHECK (credit_limit >= 0),
    daily_limit    INTEGER,
    same_day_guard INTEGER NOT NULL,
    callback_url   TEXT,
    sedang         INTEGER NOT NULL,
    sn_ref         INTEGER NOT NULL,
    ip_allow       TEXT NOT NULL,
    pin            BLOB NOT NULL,
    password       BLOB NOT NULL,
    signing        BLOB
);

CREATE TABLE product (
    code      TEXT PRIMARY KEY,
    name      TEXT NOT NULL,
    grp       TEXT NOT NULL,
    category  TEXT NOT NULL,
    qty_min   INTEGER,          -- both null: fixed denomination
    qty_max   INTEGER,
    dest_rule TEXT NOT NULL,
    open      INTEGER NOT NULL,
    cut_off   TEXT,
    CHECK ((qty_min IS NULL) = (qty_max IS NULL))
) WITHOUT ROWID;

CREATE TABLE price (
    level        TEXT NOT NULL,
    product      TEXT NOT NULL,
    amount       INTEGER NOT NULL,
    basis_points INTEGER NOT NULL,
    PRIMARY KEY (level, product)
) WITHOUT ROWID;

CREATE TABLE supplier (
    code             TEXT PRIMARY KEY,
    name             TEXT NOT NULL,
    connector        TEXT NOT NULL,
    paused           INTEGER NOT NULL,
    check_after_ms   INTEGER NOT NULL,
    suspect_after_ms INTEGER NOT NULL,
    trusted_reversal INTEGER NOT NULL,
    settings         BLOB
) WITHOUT ROWID;

CREATE TABLE route (
    product    TEXT NOT NULL,
    supplier   TEXT NOT NULL,
    sku        TEXT NOT NULL,
    cost       INTEGER NOT NULL,
    priority   INTEGER NOT NULL,
    enabled    INTEGER NOT NULL,
    allow_loss INTEGER NOT NULL,
    PRIMARY KEY (product, supplier)
) WITHOUT ROWID;

-- Money ---------------------------------------------------------------------------------------

CREATE TABLE account (
    member    INTEGER PRIMARY KEY,
    balance   INTEGER NOT NULL,
    day       INTEGER NOT NULL,
    day_total INTEGER NOT NULL
);

CREATE TABLE transfer (
    seq     INTEGER PRIMARY KEY,
    src     TEXT NOT NULL,
    dst     TEXT NOT NULL,
    amount  INTEGER NOT NULL CHECK (amount >= 0),
    kind    TEXT NOT NULL,
    trx     INTEGER,
    member  INTEGER,
    balance INTEGER,
    at      INTEGER NOT NULL,
    note    TEXT NOT NULL,
    hash    BLOB NOT NULL
);
CREATE INDEX transfer_trx ON transfer (trx) WHERE trx IS NOT NULL;
CREATE INDEX transfer_member ON transfer (member, seq) WHERE member IS NOT NULL;

-- Purchases -----------------------------------------------------------------------------------

CREATE TABLE trx (
    no            INTEGER PRIMARY KEY,
    member        INTEGER NOT NULL,
    ref           TEXT NOT NULL,
    product       TEXT NOT NULL,
    name          TEXT NOT NULL,
    dest          TEXT NOT NULL,
    qty           INTEGER,
    price         INTEGER NOT NULL,
    before        INTEGER NOT NULL,
    created       INTEGER NOT NULL,
    day           INTEGER NOT NULL,
    attempt       INTEGER NOT NULL,
    state         TEXT NOT NULL,
    sn            TEXT,
    reason        TEXT,         -- of a refused one: the argument of its refusal
    refusal       TEXT,
    cost          INTEGER,
    final_at      INTEGER,
    final_balance INTEGER,
    suspect       TEXT,
    guard         TEXT          -- product.dest.day, for members whose same-day guard is on
);
-- Promise 2: one (member, refID), one purchase, for ever.
CREATE UNIQUE INDEX trx_ref ON trx (member, ref);
CREATE INDEX trx_pending ON trx (no) WHERE state = 'pending';
CREATE INDEX trx_suspect ON trx (no) WHERE suspect IS NOT NULL;
CREATE INDEX trx_guard ON trx (member, guard) WHERE guard IS NOT NULL;

CREATE TABLE attempt (
    trx      INTEGER NOT NULL,
    n        INTEGER NOT NULL,
    supplier TEXT NOT NULL,
    sku      TEXT NOT NULL,
    cost     INTEGER NOT NULL,
    state    TEXT NOT NULL,
    detail   TEXT NOT NULL,
    created  INTEGER NOT NULL,
    sent     INTEGER,
    next     INTEGER,
    checks   INTEGER NOT NULL,
    PRIMARY KEY (trx, n)
) WITHOUT ROWID;
CREATE INDEX attempt_intended ON attempt (next) WHERE state = 'intended';
CREATE INDEX attempt_open ON attempt (next) WHERE state IN ('sent', 'waiting', 'unknown');

CREATE TABLE delivery (
    id      INTEGER PRIMARY KEY,
    trx     INTEGER NOT NULL,
    member  INTEGER NOT NULL,
    ref     TEXT NOT NULL,
    message TEXT NOT NULL,
    created INTEGER NOT NULL,
    state   TEXT NOT NULL,
    tries   INTEGER NOT NULL,
    next    INTEGER NOT NULL,
    last    TEXT NOT NULL
);
CREATE INDEX delivery_due ON delivery (next) WHERE state = 'due';
CREATE INDEX delivery_trx ON delivery (trx);

-- Record --------------------------------------------------------------------------------------

CREATE TABLE journal (
    seq       INTEGER PRIMARY KEY,
    at        INTEGER NOT NULL,
    direction INTEGER NOT NULL,
    channel   TEXT NOT NULL,
    peer      TEXT NOT NULL,
    member    INTEGER,
    trx       INTEGER,
    request   TEXT NOT NULL,
    reply     TEXT NOT NULL,
    status    TEXT NOT NULL,
    millis    INTEGER NOT NULL,
    hash      BLOB NOT NULL
);
CREATE INDEX journal_trx ON journal (trx) WHERE trx IS NOT NULL;
