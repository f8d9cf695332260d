-- What belongs to a person: height, and the goal that is coached. Unknown is NULL. A session keeps the height it was run
-- with, also that of an anonymous runner.

ALTER TABLE runners ADD COLUMN height_cm REAL;
ALTER TABLE runners ADD COLUMN goal TEXT;
ALTER TABLE sessions ADD COLUMN height_cm REAL;
