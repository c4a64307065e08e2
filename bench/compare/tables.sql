-- What the handler writes to; the number of members is put in.
CREATE TABLE account (member text PRIMARY KEY, balance bigint NOT NULL);
CREATE TABLE trx (no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, member text, ref text, product text, dest text, price bigint, at timestamptz DEFAULT now(), UNIQUE (member, ref));
CREATE TABLE ledger (seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, trx bigint, member text, amount bigint, balance bigint);
INSERT INTO account SELECT 'OK' || lpad(n::text, 5, '0'), 1000000000000 FROM generate_series(1, MEMBERS) n;
