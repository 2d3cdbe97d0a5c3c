DROP TRIGGER audit_kept;
DROP TRIGGER audit_unchanged;
DROP TRIGGER events_kept;
DROP TRIGGER events_unchanged;
