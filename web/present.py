"""Sessions as people read them: rows and words for the templates. Formulas live in ``model``; this only says them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from device.health import FIRST_YEAR
from model.comparison import least_change
from model.goals import GOALS, Goal
from model.lengths import CM_KEYS
from model.metrics import METRICS, MetricSpec
from model.pose import Side, View
from model.statistics import MIN_STANCES

MINUS = "−"
#: Why cues were kept back, by what a session's ``kept_back`` has of it.
_KEPT_BACK_WORDS: Mapping[str, str] = {
    "measuring_s": "while a baseline was measured",
    "fading_s": "by session {n} of the programme",
    "off_s": "because coaching is switched off in the settings",
}
#: While the store is asked who somebody is, cues are kept back, too: nobody misses one.
_KEPT_LEAST_S = 1.0
#: What is shown first of who was seen from the side, where knee alignment cannot be seen.
SIDE_MEASURES = ("knee_flexion_deg", "hip_extension_deg", "overstride_leg")
#: What the list of sessions adds to a knee's number where it is not its alignment; by the measure's key.
KNEE_WORDS: Mapping[str, str] = {"knee_flexion_deg": "flexion", "fppa_image_deg": "in the picture"}


@dataclass(frozen=True, slots=True)
class Cell:
    """One value of the summary table: what to show, and why where there is nothing to show.

    Attributes:
        text: mean ± SD, or "—".
        n: number of stances behind it.
        reason: why there is no value; None where there is one.
        ci95: half-width of the mean's 95 % interval.
        drift: last fifth of the session against the first; "" where nothing is known of it.
        cm: mean ± SD in centimetres; "" where it is no length or the runner's height is not known.
        below: what it means that the mean is negative; "" where it is not, or where the sign says it all.
    """

    text: str
    n: int = 0
    reason: str | None = None
    ci95: str = ""
    drift: str = ""
    cm: str = ""
    below: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One metric of the summary table."""

    spec: MetricSpec
    left: Cell
    right: Cell
    difference: str
    sdd: str

    @property
    def measured(self) -> bool:
        return bool(self.left.n or self.right.n)


def number(value: float | None, decimals: int = 1, signed: bool = False) -> str:
    """A number for people, with a real minus sign; "—" where there is none."""
    if value is None or not math.isfinite(value):
        return "—"
    text = f"{value:+.{decimals}f}" if signed else f"{value:.{decimals}f}"
    if float(text) == 0:
        text = text.lstrip("+-")
    return text.replace("-", MINUS)


def summary_rows(summary: Mapping[str, Any], view: str | None, unlike: bool = False) -> list[Row]:
    """The summary table: every metric of a stance, in the registry's order; those that were measured come first.

    Args:
        summary: of a session.
        view: its view.
        unlike: whether no other run's errors can be taken for the same as its own, see `why_unlike`.
    """
    seen = None if view is None else View(view)
    rows = [_row(spec, summary, seen, unlike) for spec in METRICS.values() if spec.per_stance]
    return sorted(rows, key=lambda row: not row.measured)


def knee_row(rows: Sequence[Row]) -> Row:
    """The row that speaks of the knee: in the frontal plane, or as in the picture where that alone was measured."""
    by_key = {row.spec.key: row for row in rows}
    frontal, image = by_key["fppa_deg"], by_key["fppa_image_deg"]
    return image if image.measured and not frontal.measured else frontal


def main_rows(rows: Sequence[Row], view: str | None) -> list[Row]:
    """What a result begins with: the knee, or what a camera at the side shows in its place."""
    if view != View.SIDE:
        return [knee_row(rows)]
    by_key = {row.spec.key: row for row in rows}
    return [by_key[key] for key in SIDE_MEASURES]


def curves(summary: Mapping[str, Any]) -> list[MetricSpec]:
    """Metrics that the session has curves of, over the gait cycle, on either side."""
    found = summary.get("curves") or {}
    return [spec for spec in METRICS.values() if any(spec.key in (found.get(side) or {}) for side in Side)]


def _row(spec: MetricSpec, summary: Mapping[str, Any], view: View | None, unlike: bool) -> Row:
    left, right = (_cell(spec, summary, side) for side in Side)
    difference = _difference(spec, (summary.get("asymmetry") or {}).get(spec.key))
    return Row(spec, left, right, difference or "—", _least(spec, summary, view, unlike))


def _least(spec: MetricSpec, summary: Mapping[str, Any], view: View | None, unlike: bool) -> str:
    """The smallest real change against another run of the same kind: of the side that takes more."""
    claims = [(summary.get(side) or {}).get(spec.key) or {} for side in Side]
    found = [least_change(spec, view, (claim, claim), unlike) for claim in claims]
    return number(max((least for least in found if least is not None), default=None), spec.decimals)


def _cell(spec: MetricSpec, summary: Mapping[str, Any], side: Side) -> Cell:
    """Mean ± SD, but nothing from fewer stances than carry a claim (Dingenen 2018)."""
    found = (summary.get(side) or {}).get(spec.key) or {}
    n = int(found.get("n", 0))
    if found.get("mean") is None:
        missing = (summary.get("unavailable") or {}).get(spec.key) or spec.reason_missing
        return Cell("—", n, f"too few: {n} of {MIN_STANCES} stances" if n else missing)
    mean = mean_words(found["mean"], spec)
    return Cell(
        f"{mean} ± {number(found.get('sd'), spec.decimals)}",
        n,
        ci95="" if found.get("ci95") is None else number(found["ci95"], spec.decimals),
        drift=_difference(spec, found.get("trend")),
        cm=_in_centimetres(summary.get(side) or {}, spec),
        below=spec.below_zero if mean.startswith(MINUS) else "",
    )


def mean_words(mean: float | None, spec: MetricSpec) -> str:
    """A mean as it stands wherever it is shown, without its unit; "—" where there is none.

    With + where it is an angle that goes inward or outward, up or down: only its sign tells which.
    """
    return number(mean, spec.decimals, signed=spec.unit == "°" and View.SIDE not in spec.views)


def _in_centimetres(claims: Mapping[str, Any], spec: MetricSpec) -> str:
    found = claims.get(CM_KEYS.get(spec.key, "")) or {}
    return f"{number(found['mean'])} ± {number(found['sd'])} cm" if found.get("mean") is not None else ""


def _difference(spec: MetricSpec, found: Mapping[str, Any] | None) -> str:
    """A difference with its 95 % interval, and whether it is more than noise."""
    if not found or found.get("value") is None:
        return ""
    value = f"{number(found['value'], spec.decimals, signed=True)} ± {number(found.get('ci95'), spec.decimals)}"
    value += "°" if spec.unit == "°" else ""
    return f"{value}, {'more than' if found.get('changed') else 'within'} noise"


@dataclass(frozen=True, slots=True)
class KeptBack:
    """For how long and why a session's cues were kept back, "" where they were not, or nothing is known of it.

    Attributes:
        short: for a list.
        words: for its own page.
    """

    short: str = ""
    words: str = ""

    @classmethod
    def of(cls, found: Mapping[str, Any] | None) -> KeptBack:
        """The same in words, of a session's ``kept_back``. Of sessions from before it does not say for how long."""
        told = {key: found[key] for key in _KEPT_BACK_WORDS if key in found} if found else {}
        told = {key: kept_s for key, kept_s in told.items() if kept_s is None or kept_s >= _KEPT_LEAST_S}
        if not told or found is None:
            return cls()
        parts = []
        for key, kept_s in told.items():
            how_long = "" if kept_s is None else f" for {seconds_words(kept_s)}"
            parts.append(f"{how_long} {_KEPT_BACK_WORDS[key].format(n=found.get('programme_session'))}")
        known = [kept_s for kept_s in told.values() if kept_s is not None]
        short = f"kept back {seconds_words(sum(known))}" if len(known) == len(told) else "some kept back"
        return cls(short, f"cues were kept back{', and'.join(parts)}")


def goal_words(goal: Goal) -> dict[str, Any]:
    """What the live page says of a goal."""
    spec = METRICS[goal]
    return {**asdict(GOALS[goal]), "unit": spec.unit, "decimals": spec.decimals}


def goal_check(goal: Goal) -> dict[str, Any]:
    """For the aiming help of a camera at the side: that the goal is not coached from there.

    Only a camera in front or behind lets anything be coached, also cadence, which the side shows as well.
    """
    label = GOALS[goal].label
    advice = f"{label} needs a camera in front or behind: from the side things are measured, but nothing is coached."
    said = f"{label}: not from the side"
    return {"key": "goal", "label": "What is coached", "state": "warn", "value": said, "advice": advice}


def local_time(utc: str | None) -> datetime | None:
    """An ISO 8601 instant in this machine's time zone."""
    return None if utc is None else datetime.fromisoformat(utc).astimezone()


def date_uncertain(utc: str) -> bool:
    """Whether the box's clock was surely wrong then."""
    return datetime.fromisoformat(utc).year < FIRST_YEAR


def file_name(session: Mapping[str, Any], ending: str) -> str:
    """What a session's file is called, by its number and its day: ``kneeline-session-6-2026-11-27.csv``."""
    day = datetime.fromisoformat(session["started_utc"]).astimezone().date().isoformat()
    return f"kneeline-session-{session['id']}-{day}.{ending}"


def duration(started_utc: str, ended_utc: str | None) -> str:
    """How long a session took, as ``12 min 05 s``; "—" while it runs."""
    if ended_utc is None:
        return "—"
    return seconds_words((datetime.fromisoformat(ended_utc) - datetime.fromisoformat(started_utc)).total_seconds())


def seconds_words(seconds: float) -> str:
    """A time as ``12 min 05 s``."""
    minutes, rest = divmod(max(round(seconds), 0), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


#: What the camera's state means for the numbers, by ``camera.state``.
CAMERA_WORDS: Mapping[str, str] = {
    "good": "The camera's position is known and taken out of the angles.",
    "approximate": "The camera stands rather oblique: it is taken out, but the angles are less certain.",
    "refused": "The camera stands too oblique: no knee angle is claimed.",
    "unknown": "Where the camera stands was not found out: angles are as the picture shows them, and a camera that is "
    "turned by 10° makes one knee look about 10° worse and the other better.",
}

#: Of a session that is open while nothing is heard of the device that writes it.
UNHEARD_WORDS = "It had not ended when the device fell silent."
#: Of one that is open though another runs, or none: on a full disk, until there is room, or in a damaged database.
UNCLOSED_WORDS = "Power or program ended during it; it could not be closed yet."
#: The states of a session.
STATE_WORDS: Mapping[str, str] = {
    "open": "It is still running.",
    "complete": "",
    "interrupted": "Power or program ended during it; all that was counted up to then is here.",
}
