-- Restores of the business: numbers jump, and what is numbered from then on has another name outside.

CREATE TABLE epoch (
    number        INTEGER PRIMARY KEY,
    at            INTEGER NOT NULL,
    trx_from      INTEGER NOT NULL,
    delivery_from INTEGER NOT NULL,
    tag           TEXT NOT NULL,
    open          INTEGER NOT NULL
);
