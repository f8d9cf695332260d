"""A session as a table for spreadsheets."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Any

from model.lengths import CM_KEYS
from model.metrics import STANCE_METRICS

_FIXED = ("side", "strike_s", "toe_off_s", "quality")


def stances_csv(session: Mapping[str, Any]) -> str:
    """One line for each stance (RFC 4180): number, side, times in seconds from the session's first frame, quality, then
    every per-stance metric of the registry by its key, then lengths in centimetres where the runner's height is known.
    Not measured is an empty field, never 0."""
    lengths = () if session.get("height_cm") is None else CM_KEYS.values()
    keys = (*_FIXED, *(spec.key for spec in STANCE_METRICS), *lengths)
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(("n", *keys))
    for n, stance in enumerate(session["stances"], start=1):
        writer.writerow((n, *("" if stance.get(key) is None else stance[key] for key in keys)))
    return text.getvalue()
