DROP TRIGGER audit_not_emptied ON audit;
DROP TRIGGER events_not_emptied ON events;
