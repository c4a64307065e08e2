-- References in an order of their own. As an index of trx, every purchase dirtied a page of its
-- member's; now young references are held in memory and sorted into this table in pieces
-- (sqlite/src/young.rs).

CREATE TABLE ref (
    member INTEGER NOT NULL,
    ref    TEXT NOT NULL,
    no     INTEGER NOT NULL,
    PRIMARY KEY (member, ref)
) WITHOUT ROWID;
INSERT INTO ref SELECT member, ref, no FROM trx ORDER BY member, ref;
DROP INDEX trx_ref;

-- Every trx up to this number has its row in `ref`.
CREATE TABLE sorted (upto INTEGER NOT NULL);
INSERT INTO sorted SELECT coalesce(max(no), 0) FROM trx;
