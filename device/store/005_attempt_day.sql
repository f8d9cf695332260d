-- When a session began that did something of a programme, kept when the session itself is deleted: what was run on one
-- day counts together. NULL as long as the session is there, and of those that were deleted before.

ALTER TABLE attempts ADD COLUMN began_utc TEXT;

CREATE TRIGGER attempts_began BEFORE DELETE ON sessions BEGIN
    UPDATE attempts SET began_utc = OLD.started_utc WHERE session_id = OLD.id;
END;
