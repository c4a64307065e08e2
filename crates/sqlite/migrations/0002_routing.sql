-- Routing: strategies, conditions of a route, and why an attempt went where it went.

ALTER TABLE product ADD COLUMN strategy TEXT NOT NULL DEFAULT 'priority';

ALTER TABLE route ADD COLUMN weight INTEGER NOT NULL DEFAULT 1 CHECK (weight >= 0);
ALTER TABLE route ADD COLUMN cost_most INTEGER;
ALTER TABLE route ADD COLUMN hours TEXT;
ALTER TABLE route ADD COLUMN prefixes TEXT NOT NULL DEFAULT '';

ALTER TABLE attempt ADD COLUMN why TEXT NOT NULL DEFAULT '';
