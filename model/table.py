"""A session as a table for spreadsheets: stance by stance, or repetition by repetition."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Any

from model.lengths import CM_KEYS
from model.metrics import STANCE_METRICS
from model.pose import Side
from model.result import held_alike, with_counts

_FIXED = ("side", "strike_s", "toe_off_s", "quality", "counts")
_KNEE = ("fppa_deg", "fppa_peak_deg", "fppa_image_deg", "medial_shank", "medial_peak_shank")
_BODY = ("depth_leg", "pelvic_drop_deg", "trunk_lean_deg", "knee_gap_ratio", "hand_left_waist", "score")


def session_csv(session: Mapping[str, Any]) -> str:
    """The table of a session: of a run its stances, of a squat or step-down test its repetitions."""
    return stances_csv(session) if session["mode"] == "run" else reps_csv(session)


def reps_csv(session: Mapping[str, Any]) -> str:
    """One line for each repetition (RFC 4180): number, tested side, times in seconds from the session's first frame,
    both knees, pelvis, trunk and the rest by their keys, faults with blanks between. Not measured is an empty field."""
    knees = [(str(side), key) for side in Side for key in _KNEE]
    text = io.StringIO()
    writer = csv.writer(text)
    head = ("n", "side", "start_s", "bottom_s", "end_s")
    writer.writerow((*head, *(f"{side}_{key}" for side, key in knees), *_BODY, "faults"))
    for n, rep in enumerate(session["reps"], start=1):
        values = (*(rep.get(key) for key in head[1:]), *(rep[side][key] for side, key in knees))
        values += tuple(rep.get(key) for key in _BODY)
        writer.writerow((n, *("" if value is None else value for value in values), " ".join(rep["faults"])))
    return text.getvalue()


def stances_csv(session: Mapping[str, Any]) -> str:
    """One line for each stance (RFC 4180): number, side, times in seconds from the session's first frame, quality,
    whether it counts (1 or 0), then every per-stance metric of the registry by its key, then lengths in centimetres
    where the runner's height is known. Not measured is an empty field, never 0.

    The session's means are those of the lines that count; of the trunk's lean, which is there before the camera's place
    is known, of those that have a knee alignment, too, where any has. A pelvis that is held against another level than
    that of the means, see `pelvis_level`, is an empty field.
    """
    lengths = () if session.get("height_cm") is None else CM_KEYS.values()
    keys = (*_FIXED, *(spec.key for spec in STANCE_METRICS), *lengths)
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(("n", *keys))
    stances = held_alike(session["stances"])
    for n, stance in enumerate(with_counts(stances), start=1):
        line = {**stance, "counts": int(stance["counts"])}
        writer.writerow((n, *("" if line.get(key) is None else line[key] for key in keys)))
    return text.getvalue()
