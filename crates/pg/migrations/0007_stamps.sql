-- Stamps of the rows that a line's commit wrote (store/src/stamp.rs).

ALTER TABLE journal ADD COLUMN stamps BYTEA;
