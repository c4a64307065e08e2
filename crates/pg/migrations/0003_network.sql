-- Downlines: whose a member is, what it pays more, and what that earned of each purchase. Members in
-- the sandbox, and members that want signed JSON.

ALTER TABLE member ADD COLUMN upline BIGINT;
ALTER TABLE member ADD COLUMN markup BIGINT NOT NULL DEFAULT 0 CHECK (markup >= 0);
ALTER TABLE member ADD COLUMN markups TEXT NOT NULL DEFAULT '';
ALTER TABLE member ADD COLUMN webhook BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE member ADD COLUMN sandbox BOOLEAN NOT NULL DEFAULT FALSE;

ALTER TABLE trx ADD COLUMN shares TEXT NOT NULL DEFAULT '';
