-- What was coached in a run, as the device has it: ["cadence_spm"], more than one where the goal was changed amid it, none
-- where nobody ran as can be coached (from the side). NULL where that is not known, as of sessions from before.

ALTER TABLE sessions ADD COLUMN goals_json TEXT;
