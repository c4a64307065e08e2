-- What suppliers' price lists say of a route, and how much of it may be used in a day.

ALTER TABLE route ADD COLUMN stocked INTEGER NOT NULL DEFAULT 1;
ALTER TABLE route ADD COLUMN daily_most INTEGER CHECK (daily_most >= 0);
