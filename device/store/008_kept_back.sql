-- For how long and why cues were kept back in a run, as the device counts it: {"measuring_s": 41.2}, and likewise fading_s
-- with the number of the programme's session, and off_s. Without a reason nothing was kept back for it; {}: for none. NULL
-- where that is not known. Of sessions from before it is told by what they left, and for how long is null: a programme's
-- from the fifth on fades, and a baseline was measured without cues, but not the knee's second one, as in the picture.

ALTER TABLE sessions ADD COLUMN kept_back_json TEXT;

UPDATE sessions SET kept_back_json = '{"measuring_s": null}'
WHERE id IN (
    SELECT b.session_id FROM baselines AS b
    WHERE b.runner_id = sessions.runner_id AND NOT EXISTS (
        SELECT 1 FROM baselines AS old
        WHERE old.runner_id = b.runner_id AND old.installation = b.installation AND old.side = b.side AND old.id < b.id
        AND old.session_id IS NOT b.session_id
        AND old.metric IN ('fppa_deg', 'fppa_image_deg') AND b.metric IN ('fppa_deg', 'fppa_image_deg')
    )
);

UPDATE sessions SET kept_back_json = json_set(
    coalesce(kept_back_json, '{}'), '$.fading_s', NULL, '$.programme_session', attempts.n
)
FROM attempts WHERE attempts.session_id = sessions.id AND attempts.n > 4;
