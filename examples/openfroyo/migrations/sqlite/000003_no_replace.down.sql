DROP TRIGGER audit_not_replaced;
DROP TRIGGER events_not_replaced;
