-- Programmes of fading feedback: at most one that runs for each runner, and what was done of it. What was done stays when
-- the session itself is deleted.

CREATE TABLE programmes (
    id INTEGER PRIMARY KEY,
    runner_id INTEGER NOT NULL REFERENCES runners (id) ON DELETE CASCADE,
    metric TEXT NOT NULL,
    started_utc TEXT NOT NULL,
    ended_utc TEXT
) STRICT;

CREATE UNIQUE INDEX programmes_running ON programmes (runner_id) WHERE ended_utc IS NULL;

CREATE TABLE attempts (
    session_id INTEGER PRIMARY KEY,
    programme_id INTEGER NOT NULL REFERENCES programmes (id) ON DELETE CASCADE,
    n INTEGER NOT NULL,
    run_s REAL NOT NULL,
    stances_on INTEGER NOT NULL,
    stances_on_within INTEGER NOT NULL,
    stances_off INTEGER NOT NULL,
    stances_off_within INTEGER NOT NULL
) STRICT;

CREATE INDEX attempts_of ON attempts (programme_id);
CREATE INDEX baselines_of ON baselines (runner_id, installation);
