-- The belt's speed in a session as it was told, slowest and fastest; the same where it did not change. Unknown is NULL, as
-- in all sessions from before.

ALTER TABLE sessions ADD COLUMN belt_speed_min_m_s REAL;
ALTER TABLE sessions ADD COLUMN belt_speed_max_m_s REAL;
