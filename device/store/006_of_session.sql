-- Which session measured a baseline: the clock may be set, or the disk may take it only after the session's end. NULL where
-- none had begun yet, and of those from before.

ALTER TABLE baselines ADD COLUMN session_id INTEGER;

-- A runner's sessions, and what the list of runners tells of them, without reading all sessions there are.

CREATE INDEX sessions_of ON sessions (runner_id, mode, started_utc);
