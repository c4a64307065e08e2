-- What nodes tell each other of suppliers (circuits, deposits, shares of limits). Nothing of it is
-- needed after all nodes have stopped.

CREATE TABLE peer (
    run   BIGINT PRIMARY KEY,
    node  TEXT NOT NULL,             -- as in lane
    seat  TEXT NOT NULL,
    until TIMESTAMPTZ NOT NULL,      -- by this server's clock
    word  TEXT NOT NULL
) WITH (fillfactor = 20, autovacuum_vacuum_threshold = 500, autovacuum_vacuum_scale_factor = 0);

-- Grows with every claim: two nodes that claim on the same reading do not both get it.
CREATE TABLE claim_round (one BOOLEAN PRIMARY KEY DEFAULT TRUE CHECK (one), round BIGINT NOT NULL);
INSERT INTO claim_round (round) VALUES (0);

-- How often a route with a daily limit was chosen: locked by whoever decides about the next one.
CREATE TABLE daily (
    day      BIGINT NOT NULL,
    supplier TEXT NOT NULL,
    sku      TEXT NOT NULL,
    count    BIGINT NOT NULL,
    PRIMARY KEY (day, supplier, sku)
) WITH (fillfactor = 20, autovacuum_vacuum_threshold = 500, autovacuum_vacuum_scale_factor = 0);
