-- The first schema. Times are UTC milliseconds, amounts whole rupiah, numbers BIGINT throughout, so
-- that one codec reads them. Hot tables are keyed by member first; nothing is locked by all.

CREATE TABLE lane (
    id           BIGINT PRIMARY KEY,
    epoch        BIGINT NOT NULL,             -- grows with every taking; what fences its former holder
    node         TEXT NOT NULL,
    until        TIMESTAMPTZ NOT NULL,        -- by this server's clock, never by a node's
    batches      BIGINT NOT NULL DEFAULT 0,   -- committed; tells an interrupted COMMIT from a lost one
    ledger_seq   BIGINT NOT NULL DEFAULT 0,
    ledger_head  BYTEA NOT NULL,
    journal_seq  BIGINT NOT NULL DEFAULT 0,
    journal_head BYTEA NOT NULL
) WITH (fillfactor = 20, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0);

-- Grows with every change of the catalog; other nodes look at it.
CREATE TABLE revision (one BOOLEAN PRIMARY KEY DEFAULT TRUE CHECK (one), catalog BIGINT NOT NULL);
INSERT INTO revision (catalog) VALUES (0);

-- Numbers are taken in blocks, so that lanes do not ask for each.
CREATE SEQUENCE trx_block START 100000001 INCREMENT 4096;
CREATE SEQUENCE delivery_block START 1 INCREMENT 4096;

-- Catalog -------------------------------------------------------------------------------------

CREATE TABLE level (
    code    TEXT PRIMARY KEY,
    name    TEXT NOT NULL,
    list_id TEXT NOT NULL UNIQUE
);

CREATE TABLE member (
    id             BIGINT PRIMARY KEY,
    code           TEXT NOT NULL UNIQUE,
    name           TEXT NOT NULL,
    active         BOOLEAN NOT NULL,
    level          TEXT NOT NULL,
    credit_limit   BIGINT NOT NULL CHECK (credit_limit >= 0),
    daily_limit    BIGINT,
    same_day_guard BOOLEAN NOT NULL,
    callback_url   TEXT,
    sedang         BOOLEAN NOT NULL,
    sn_ref         BOOLEAN NOT NULL,
    seller         TEXT NOT NULL,
    ip_allow       TEXT NOT NULL,
    pin            BYTEA NOT NULL,
    password       BYTEA NOT NULL,
    signing        BYTEA
);

CREATE TABLE product (
    code      TEXT PRIMARY KEY,
    name      TEXT NOT NULL,
    grp       TEXT NOT NULL,
    category  TEXT NOT NULL,
    qty_min   BIGINT,          -- both null: fixed denomination
    qty_max   BIGINT,
    dest_rule TEXT NOT NULL,
    open      BOOLEAN NOT NULL,
    cut_off   TEXT,
    strategy  TEXT NOT NULL,
    CHECK ((qty_min IS NULL) = (qty_max IS NULL))
);

CREATE TABLE price (
    level        TEXT NOT NULL,
    product      TEXT NOT NULL,
    amount       BIGINT NOT NULL,
    basis_points BIGINT NOT NULL,
    PRIMARY KEY (level, product)
);

CREATE TABLE supplier (
    code             TEXT PRIMARY KEY,
    name             TEXT NOT NULL,
    connector        TEXT NOT NULL,
    paused           BOOLEAN NOT NULL,
    check_after_ms   BIGINT NOT NULL,
    suspect_after_ms BIGINT NOT NULL,
    trusted_reversal BOOLEAN NOT NULL,
    settings         BYTEA
);

CREATE TABLE route (
    product    TEXT NOT NULL,
    supplier   TEXT NOT NULL,
    sku        TEXT NOT NULL,
    cost       BIGINT NOT NULL,
    priority   BIGINT NOT NULL,
    enabled    BOOLEAN NOT NULL,
    allow_loss BOOLEAN NOT NULL,
    weight     BIGINT NOT NULL CHECK (weight >= 0),
    cost_most  BIGINT,
    hours      TEXT,
    prefixes   TEXT NOT NULL,
    stocked    BOOLEAN NOT NULL,
    daily_most BIGINT CHECK (daily_most >= 0),
    PRIMARY KEY (product, supplier)
);

-- Money ---------------------------------------------------------------------------------------

-- The row that is locked before anything of its member is decided.
CREATE TABLE account (
    member    BIGINT PRIMARY KEY,
    balance   BIGINT NOT NULL,
    day       BIGINT NOT NULL,
    day_total BIGINT NOT NULL
) WITH (fillfactor = 50, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_scale_factor = 0);

-- Numbered while the member's account is locked: a member's transfers stand in their order.
CREATE TABLE transfer (
    id      BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    lane    BIGINT NOT NULL,
    seq     BIGINT NOT NULL,
    src     TEXT NOT NULL,
    dst     TEXT NOT NULL,
    amount  BIGINT NOT NULL CHECK (amount >= 0),
    kind    TEXT NOT NULL,
    trx     BIGINT,
    member  BIGINT,
    balance BIGINT,
    at      BIGINT NOT NULL,
    note    TEXT NOT NULL,
    hash    BYTEA NOT NULL,
    UNIQUE (lane, seq)
);
CREATE INDEX transfer_trx ON transfer (trx) WHERE trx IS NOT NULL;

-- Purchases -----------------------------------------------------------------------------------

CREATE TABLE trx (
    member        BIGINT NOT NULL,
    no            BIGINT NOT NULL,
    ref           TEXT NOT NULL,
    product       TEXT NOT NULL,
    name          TEXT NOT NULL,
    dest          TEXT NOT NULL,
    qty           BIGINT,
    price         BIGINT NOT NULL,
    before        BIGINT NOT NULL,
    created       BIGINT NOT NULL,
    day           BIGINT NOT NULL,
    attempt       BIGINT NOT NULL,
    state         TEXT NOT NULL,
    sn            TEXT,
    reason        TEXT,         -- of a refused one: the argument of its refusal
    refusal       TEXT,
    cost          BIGINT,
    final_at      BIGINT,
    final_balance BIGINT,
    suspect       TEXT,
    guard         TEXT,         -- product.dest.day, for members whose same-day guard is on
    PRIMARY KEY (member, no),
    -- Promise 2: one (member, refID), one purchase, for ever.
    UNIQUE (member, ref)
) WITH (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.02);
CREATE INDEX trx_no ON trx (no);
CREATE INDEX trx_pending ON trx (no) WHERE state = 'pending';
CREATE INDEX trx_suspect ON trx (no) WHERE suspect IS NOT NULL;
CREATE INDEX trx_guard ON trx (member, guard) WHERE guard IS NOT NULL;

-- `lane` says whose work it is: that of the lane's holder.
CREATE TABLE attempt (
    member   BIGINT NOT NULL,
    trx      BIGINT NOT NULL,
    n        BIGINT NOT NULL,
    lane     BIGINT NOT NULL,
    supplier TEXT NOT NULL,
    sku      TEXT NOT NULL,
    cost     BIGINT NOT NULL,
    state    TEXT NOT NULL,
    detail   TEXT NOT NULL,
    created  BIGINT NOT NULL,
    sent     BIGINT,
    next     BIGINT,
    checks   BIGINT NOT NULL,
    why      TEXT NOT NULL,
    PRIMARY KEY (member, trx, n)
) WITH (fillfactor = 70, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_scale_factor = 0.01);
CREATE INDEX attempt_intended ON attempt (lane, next) WHERE state = 'intended';
CREATE INDEX attempt_open ON attempt (lane, next) WHERE state IN ('sent', 'waiting', 'unknown');
CREATE INDEX attempt_created ON attempt USING brin (created);

CREATE TABLE delivery (
    id      BIGINT PRIMARY KEY,
    lane    BIGINT NOT NULL,
    trx     BIGINT NOT NULL,
    member  BIGINT NOT NULL,
    ref     TEXT NOT NULL,
    message TEXT NOT NULL,
    created BIGINT NOT NULL,
    state   TEXT NOT NULL,
    tries   BIGINT NOT NULL,
    next    BIGINT NOT NULL,
    last    TEXT NOT NULL
) WITH (fillfactor = 80, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_scale_factor = 0.01);
CREATE INDEX delivery_due ON delivery (lane, next) WHERE state = 'due';
CREATE INDEX delivery_trx ON delivery (trx);
CREATE INDEX delivery_member ON delivery (member, id);

-- Record --------------------------------------------------------------------------------------

CREATE TABLE journal (
    lane      BIGINT NOT NULL,
    seq       BIGINT NOT NULL,
    at        BIGINT NOT NULL,
    direction BIGINT NOT NULL,
    channel   TEXT NOT NULL,
    peer      TEXT NOT NULL,
    member    BIGINT,
    trx       BIGINT,
    request   TEXT NOT NULL,
    reply     TEXT NOT NULL,
    status    TEXT NOT NULL,
    millis    BIGINT NOT NULL,
    hash      BYTEA NOT NULL,
    PRIMARY KEY (lane, seq)
);
CREATE INDEX journal_trx ON journal (trx) WHERE trx IS NOT NULL;
