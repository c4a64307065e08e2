-- Restores of the business: numbers jump, and what is numbered from then on has another name outside.

CREATE TABLE epoch (
    number        BIGINT PRIMARY KEY,
    at            BIGINT NOT NULL,
    trx_from      BIGINT NOT NULL,
    delivery_from BIGINT NOT NULL,
    tag           TEXT NOT NULL,
    open          BOOLEAN NOT NULL
);
