-- The events stay, so that going up again fills the tables. Facts are in no event: they are discovered again.
DROP TABLE filling;
DROP TABLE audit;
DROP TABLE facts;
DROP TABLE resource_state;
DROP TABLE events;
DROP TABLE plan_units;
DROP TABLE runs;
