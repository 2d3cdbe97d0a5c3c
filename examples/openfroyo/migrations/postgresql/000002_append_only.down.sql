DROP TRIGGER audit_unchanged ON audit;
DROP TRIGGER events_kept ON events;
DROP TRIGGER events_unchanged ON events;
DROP FUNCTION keep_event();
DROP FUNCTION refuse_change();
