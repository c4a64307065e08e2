-- What price lists of suppliers say of a route, how much of it may be used in a day, and marketplaces
-- as members.

ALTER TABLE route ADD COLUMN stocked INTEGER NOT NULL DEFAULT 1;
ALTER TABLE route ADD COLUMN daily_most INTEGER CHECK (daily_most >= 0);

-- A member that is a marketplace: in which of its protocols it is answered.
ALTER TABLE member ADD COLUMN seller TEXT NOT NULL DEFAULT 'no';

-- Nobody reads it, and every purchase paid for it with a page of its own in the log.
DROP INDEX transfer_member;
