-- The first schema. Times *_utc are ISO 8601; times *_s are seconds from the first frame of the source.

CREATE TABLE runners (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    created_utc TEXT NOT NULL
) STRICT;

CREATE TABLE sessions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uid TEXT NOT NULL UNIQUE,
    started_utc TEXT NOT NULL,
    ended_utc TEXT,
    last_write_utc TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('open', 'complete', 'interrupted')),
    mode TEXT NOT NULL,
    view TEXT,
    model TEXT NOT NULL,
    source TEXT NOT NULL,
    fps REAL,
    frames INTEGER NOT NULL DEFAULT 0,
    frames_with_runner INTEGER NOT NULL DEFAULT 0,
    camera_json TEXT,
    summary_json TEXT,
    runner_id INTEGER REFERENCES runners (id) ON DELETE SET NULL,
    app_version TEXT NOT NULL
) STRICT;

CREATE INDEX sessions_open ON sessions (id) WHERE state = 'open';

CREATE TABLE stances (
    session_id INTEGER NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    n INTEGER NOT NULL,
    side TEXT NOT NULL CHECK (side IN ('left', 'right')),
    strike_s REAL NOT NULL,
    toe_off_s REAL NOT NULL,
    quality REAL,
    values_json TEXT NOT NULL,
    PRIMARY KEY (session_id, n)
) STRICT, WITHOUT ROWID;

CREATE TABLE reps (
    session_id INTEGER NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    n INTEGER NOT NULL,
    rep_json TEXT NOT NULL,
    PRIMARY KEY (session_id, n)
) STRICT, WITHOUT ROWID;

CREATE TABLE cues (
    session_id INTEGER NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    n INTEGER NOT NULL,
    t_s REAL NOT NULL,
    side TEXT NOT NULL CHECK (side IN ('left', 'right')),
    metric TEXT NOT NULL,
    value REAL NOT NULL,
    threshold REAL NOT NULL,
    latency_ms REAL,
    PRIMARY KEY (session_id, n)
) STRICT, WITHOUT ROWID;

CREATE TABLE baselines (
    id INTEGER PRIMARY KEY,
    runner_id INTEGER REFERENCES runners (id) ON DELETE CASCADE,
    installation TEXT NOT NULL,
    side TEXT NOT NULL CHECK (side IN ('left', 'right')),
    metric TEXT NOT NULL,
    mean REAL NOT NULL,
    sd REAL NOT NULL,
    n INTEGER NOT NULL,
    created_utc TEXT NOT NULL
) STRICT;

CREATE TABLE settings (
    key TEXT PRIMARY KEY,
    value_json TEXT NOT NULL
) STRICT, WITHOUT ROWID;
