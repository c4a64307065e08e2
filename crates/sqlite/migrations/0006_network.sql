-- Downlines: whose a member is, what it pays more, and what that earned of each purchase. Members in
-- the sandbox, and members that want signed JSON.

ALTER TABLE member ADD COLUMN upline INTEGER;
ALTER TABLE member ADD COLUMN markup INTEGER NOT NULL DEFAULT 0 CHECK (markup >= 0);
ALTER TABLE member ADD COLUMN markups TEXT NOT NULL DEFAULT '';
ALTER TABLE member ADD COLUMN webhook INTEGER NOT NULL DEFAULT 0;
ALTER TABLE member ADD COLUMN sandbox INTEGER NOT NULL DEFAULT 0;

ALTER TABLE trx ADD COLUMN shares TEXT NOT NULL DEFAULT '';
