CREATE TRIGGER events_unchanged BEFORE UPDATE ON events
BEGIN
  SELECT RAISE(ABORT, 'events are append-only');
END;

-- A cascade deletes the run or the unit first.
CREATE TRIGGER events_kept BEFORE DELETE ON events
WHEN (OLD.run_id IS NULL OR EXISTS (SELECT 1 FROM runs WHERE id = OLD.run_id))
  AND (OLD.plan_unit_id IS NULL OR EXISTS (SELECT 1 FROM plan_units WHERE id = OLD.plan_unit_id))
BEGIN
  SELECT RAISE(ABORT, 'events are append-only');
END;

CREATE TRIGGER audit_unchanged BEFORE UPDATE ON audit
BEGIN
  SELECT RAISE(ABORT, 'the audit trail is append-only');
END;

CREATE TRIGGER audit_kept BEFORE DELETE ON audit
BEGIN
  SELECT RAISE(ABORT, 'the audit trail is append-only');
END;
