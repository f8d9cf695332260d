"""The manifest beside the weights, and the table of figures in README.md that follows from it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from model.quantize.evaluate import Report

HEADING = "# What the weights beside this file are, where they come from, and how far they are from the float model.\n"
MARK = "<!-- figures: written by `python -m model.quantize build` -->"
#: Columns of the table: heading, group, key.
COLUMNS: tuple[tuple[str, str, str], ...] = (
    ("leg px mean", "measured", "leg_px_mean"),
    ("median", "measured", "leg_px_median"),
    ("p95", "measured", "leg_px_p95"),
    ("leg % of torso", "measured", "leg_torso_pct_mean"),
    ("knee ° mean", "measured", "knee_deg_mean"),
    ("median", "measured", "knee_deg_median"),
    ("p95", "measured", "knee_deg_p95"),
    ("FPPA ° per stance", "running", "fppa_stance_deg_mean"),
    ("worst shift of mean FPPA °", "running", "fppa_shift_deg_max"),
    ("CPU time, float = 1", "running", "time_ratio"),
)


def _value(value: Any) -> str:
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {_value(item)}" for key, item in value.items()) + " }"
    if isinstance(value, Sequence):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _table(name: str, values: Mapping[str, Any], note: str = "") -> str:
    heading = f"[{name}]" + (f" # {note}" if note else "")
    return "\n".join([heading, *(f"{key} = {_value(value)}" for key, value in values.items())]) + "\n"


def measured(report: Report) -> dict[str, dict[str, Any]]:
    """The report as the manifest's tables."""
    stances = [shift.stance_deg for shift in report.shifts.values()]
    return {
        "measured": asdict(report.people),
        "running": {
            "clips": len(report.shifts),
            "leg_px_mean": report.clips.leg_px_mean,
            "leg_torso_pct_mean": report.clips.leg_torso_pct_mean,
            "knee_deg_mean": report.clips.knee_deg_mean,
            "knee_deg_median": report.clips.knee_deg_median,
            "fppa_stance_deg_mean": sum(stances) / len(stances),
            "fppa_shift_deg_max": report.worst_shift_deg,
            "fppa_shift_deg": {
                name: [float(value) for value in shift.mean_deg.values()] for name, shift in report.shifts.items()
            },
            "time_ratio": report.time_ratio,
        },
    }


def read(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text("utf-8")) if path.exists() else {}


def write(path: Path, entries: Mapping[str, Mapping[str, Any]]) -> None:
    """Writes the manifest; ``entries`` by file key, each with its sub-tables ``measured`` and ``running``."""
    notes = {
        "measured": "against the model's own float output, on people not used for tuning",
        "running": "the same on rendered running clips; fppa_shift_deg is [left, right], the mean over all stances",
    }
    parts = [HEADING]
    for name, entry in entries.items():
        parts.append(_table(name, {k: v for k, v in entry.items() if k not in notes}))
        parts += [_table(f"{name}.{key}", entry[key], note) for key, note in notes.items() if key in entry]
    path.write_text("\n".join(parts), "utf-8")


def figures(entries: Mapping[str, Mapping[str, Any]]) -> str:
    """The Markdown table of all entries; "-" where one has not been measured."""
    titles = ["weights", "MB", *(title for title, _, _ in COLUMNS)]
    rows = [titles, ["---"] * len(titles)]
    for name, entry in entries.items():
        cells = [_value(entry.get(group, {}).get(key, "-")).strip('"') for _, group, key in COLUMNS]
        rows.append([name, f"{entry['bytes'] / 1e6:.2f}", *cells])
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def update_readme(path: Path, entries: Mapping[str, Mapping[str, Any]]) -> None:
    """Puts the table after the mark, in place of the one that is there."""
    before, _, after = path.read_text("utf-8").partition(MARK)
    rest = after.lstrip("\n")
    if rest.startswith("|"):
        rest = rest.partition("\n\n")[2]
    path.write_text(f"{before}{MARK}\n\n{figures(entries)}\n\n{rest}", "utf-8")
