-- Purchases keep the request as it was given, and the rules of the day by which it was read; those
-- from before have none. Members may keep habits of other centers.

ALTER TABLE trx ADD COLUMN given TEXT;
ALTER TABLE member ADD COLUMN dialect TEXT NOT NULL DEFAULT '';
