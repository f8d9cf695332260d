"""A runner's course as people read it: a run against earlier ones. What a change is, `model.comparison` says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import abort

from device.store import StoreReader
from model.belt import BeltSpeed
from model.comparison import Change, Comparison, compare
from model.metrics import MetricSpec
from model.pose import Side, View
from model.result import summarise_stored
from model.statistics import MIN_STANCES
from web.present import mean_words, number
from web.screening import RUN

#: So many earlier runs are looked through for one that can be compared; all can be chosen.
_LOOKED_THROUGH = 20
_FROM: Mapping[str, str] = {View.FRONT: "from the front", View.REAR: "from behind", View.SIDE: "from the side"}
#: Where the band is in the drawing of a course, in its own units; around it the angles and dates are written. And how
#: far the first and the last run are from its ends.
PLOT_LEFT, PLOT_TOP, PLOT_WIDTH, PLOT_HEIGHT, PLOT_INSET = 46, 14, 360, 130, 14


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """One measurement in two runs, in words.

    Attributes:
        label: of what, and of which side.
        sign: what + means, and the unit where the numbers have none; said once for both sides.
        then, now: means with their unit; "—" where there is none.
        difference: now − then.
        least: what is smaller is no change.
        changed: whether it is one.
        verdict: the same in words.
        reason: why nothing can be told; None where it can.
    """

    label: str
    sign: str
    then: str
    now: str
    difference: str
    least: str
    changed: bool
    verdict: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class Compared:
    """What a run's page says of the runner's earlier runs.

    Attributes:
        earlier: those that can be chosen, the newest first: id, started_utc, view, and ``belt`` in words.
        then: the one of them that is compared with; None where none is.
        rows: the measurements.
        unlike: why more than usual is asked of a change; empty where the two were measured alike.
        belt: what is known of the belt's speed in both.
        other_speed: whether it was not the same, so that nothing is called a change.
        why_none: why nothing is compared; None where something is.
    """

    earlier: Sequence[Mapping[str, Any]]
    then: Mapping[str, Any] | None = None
    rows: Sequence[ChangeRow] = ()
    unlike: Sequence[str] = ()
    belt: str = ""
    other_speed: bool = False
    why_none: str | None = None


@dataclass(frozen=True, slots=True)
class Point:
    """One run in the drawing; ``changed``: against the first."""

    x: float
    y: float
    changed: bool


@dataclass(frozen=True, slots=True)
class Panel:
    """One side's course.

    Attributes:
        side: whose.
        points: the runs, the oldest first.
        ticks: where the first run's mean and the ends of the band are, with their angle.
        band: upper and lower end of what is no change against the first; None where there are no points.
        said: the same in words.
    """

    side: Side
    points: Sequence[Point]
    ticks: Sequence[tuple[float, str]]
    band: tuple[float, float] | None
    said: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Both knees over the listed runs of one view.

    Attributes:
        spec: what is drawn.
        whence: from where they were seen.
        first: the run that the others are held against; it may be older than all that are drawn.
        oldest, newest: heads of the first and the last run that is drawn.
        drawn: how many are.
        ever: how many runs there are in this view, where older ones are not listed; else None.
        panels: left and right.
        x0, x1: where the band begins and ends.
    """

    spec: MetricSpec
    whence: str
    first: Mapping[str, Any]
    oldest: Mapping[str, Any]
    newest: Mapping[str, Any]
    drawn: int
    ever: int | None
    panels: Sequence[Panel]
    x0: int = PLOT_LEFT
    x1: int = PLOT_LEFT + PLOT_WIDTH


@dataclass(frozen=True, slots=True)
class SinceFirst:
    """What the list of a runner's sessions says of their course.

    Attributes:
        firsts: the runs that others are held against, one of each view.
        marks: by session and side, that the knee has changed; "" where that cannot be told.
        chart: None where there is nothing to draw.
    """

    firsts: frozenset[int]
    marks: Mapping[int, Mapping[Side, str]]
    chart: Chart | None


def compared(
    reader: StoreReader, run: Mapping[str, Any], summary: Mapping[str, Any], name: str, with_id: int | None
) -> Compared:
    """A run that has ended against an earlier one of its runner; 404 where that is none in the same view.

    Args:
        reader: of the store.
        run: its document.
        summary: of it.
        name: of its runner.
        with_id: which one is asked for; None: the last that can be compared.
    """
    before = [one for one in reader.runs(run["runner_id"]) if one["id"] < run["id"]]
    earlier = [
        {**one, "belt": belt_words(one)} for one in reversed(before) if one["view"] == run["view"] is not None
    ]
    now = {**run, "summary": summary}
    if with_id is not None:
        then = next((one for one in earlier if one["id"] == with_id), None) or abort(404)
        return _told(earlier, then, compare(now, _result(reader, with_id)))
    last = _last_comparable(reader, now, earlier[:_LOOKED_THROUGH])
    if last is None:
        return Compared(earlier, why_none=_why_none(run, name, before, earlier))
    return _told(earlier, *last)


def _last_comparable(
    reader: StoreReader, now: Mapping[str, Any], earlier: Sequence[Mapping[str, Any]]
) -> tuple[Mapping[str, Any], Comparison] | None:
    """The last earlier run that tells most of the knees; where none does, that tells anything of a side."""
    itself = compare(now, now)
    most = None
    for one in earlier if itself.tells else ():
        found = compare(now, _result(reader, one["id"]))
        if found.tells and (most is None or found.knees_told > most[1].knees_told):
            most = one, found
        if most is not None and most[1].knees_told == itself.knees_told:
            break
    return most


def belt_words(run: Mapping[str, Any]) -> str:
    """How fast the belt ran; "" where that is not known."""
    found = BeltSpeed.of(run)
    return "" if found is None else found.words


def since_first(
    reader: StoreReader, runner_id: int, heads: Sequence[Mapping[str, Any]], draw: bool
) -> SinceFirst:
    """Runs of one runner against the first one of each view that can be compared.

    Args:
        reader: of the store.
        runner_id: whose they are.
        heads: listed sessions, the newest first; tests and what still runs are left out.
        draw: whether there is to be a drawing of them.
    """
    runs = [head for head in heads if head["mode"] == RUN and head["state"] != "open" and head["view"]]
    ever = reader.runs(runner_id)
    firsts = {view: _first(reader, ever, view) for view in {head["view"] for head in runs}}
    found: dict[int, dict[Side, Change]] = {}
    for head in runs:
        first = firsts[head["view"]]
        if first is not None:
            found[head["id"]] = compare(_result(reader, head["id"]), first).knees
    marks = {run_id: {side: _mark(change) for side, change in knees.items()} for run_id, knees in found.items()}
    ids = frozenset(first["id"] for first in firsts.values() if first is not None)
    return SinceFirst(ids, marks, _chart(runs, found, ever, firsts) if draw else None)


def _first(reader: StoreReader, ever: Sequence[Mapping[str, Any]], view: str) -> dict[str, Any] | None:
    """The oldest run in a view of which both knees can be compared; where none is, of which one can."""
    first, told = None, 0
    for one in [one for one in ever if one["view"] == view][:_LOOKED_THROUGH]:
        found = _result(reader, one["id"])
        knees = compare(found, found).knees_told
        if knees > told:
            first, told = found, knees
        if told == len(Side):
            break
    return first


def _mark(change: Change) -> str:
    if not change.changed:
        return ""
    return f"changed {number(change.value, change.spec.decimals, signed=True)}{change.spec.unit}"


def _chart(
    runs: Sequence[Mapping[str, Any]],
    found: Mapping[int, Mapping[Side, Change]],
    ever: Sequence[Mapping[str, Any]],
    firsts: Mapping[str, Mapping[str, Any] | None],
) -> Chart | None:
    """Both knees of the listed runs, the oldest first, in the view that shows most of them; None of a single one."""
    told = [run for run in reversed(runs) if any(knee.value is not None for knee in found.get(run["id"], {}).values())]
    views = [run["view"] for run in reversed(told)]
    view = max(views, key=views.count, default="")
    first = firsts.get(view)
    if first is None or views.count(view) < 2:
        return None
    drawn = [run for run in told if run["view"] == view]
    panels = [_panel(side, [found[run["id"]].get(side) for run in drawn]) for side in Side]
    spec = next(iter(found[drawn[0]["id"]].values())).spec
    listed, there_are = (sum(run["view"] == view for run in some) for some in (runs, ever))
    more = there_are if there_are > listed else None
    return Chart(spec, _FROM[view], first, drawn[0], drawn[-1], len(drawn), more, panels)


def _panel(side: Side, changes: Sequence[Change | None]) -> Panel:
    """One side's means over the runs: x by their order, y by the angle, in units of the drawing."""
    told = [(n, one) for n, one in enumerate(changes) if one is not None and one.value is not None]
    if not told:
        return Panel(side, (), (), None, "")
    first, least = told[0][1].then or 0.0, min(one.least or 0.0 for _, one in told)
    values = [one.now or 0.0 for _, one in told] + [first - least, first + least]
    low, high = min(values), max(values)

    def y(value: float) -> float:
        return round(PLOT_TOP + PLOT_HEIGHT * (high - value) / max(high - low, 1e-9), 1)

    step = (PLOT_WIDTH - 2 * PLOT_INSET) / max(len(changes) - 1, 1)
    points = [Point(round(PLOT_LEFT + PLOT_INSET + n * step, 1), y(one.now or 0.0), one.changed) for n, one in told]
    ticks = [(y(value), f"{number(value, 0)}°") for value in (first - least, first, first + least)]
    newest = told[-1][1]
    said = f"{mean_words(first, newest.spec)}° in the first, {mean_words(newest.now, newest.spec)}° in the newest: "
    said += _verdict(newest)
    return Panel(side, points, ticks, (y(first + least), y(first - least)), said)


def _verdict(change: Change) -> str:
    if change.kept_back == "other speed":
        return "beyond noise, but at another speed"
    if change.kept_back == "speed not known":
        return "counted differently, but the belt's speed is not known for both"
    return "changed" if change.changed else "no change that can be told"


def _result(reader: StoreReader, session_id: int) -> dict[str, Any]:
    """A run with its summary, made anew where none was written; 404 where it was deleted meanwhile."""
    found = reader.result(session_id) or abort(404)
    if found["summary"] is not None:
        return found
    return {**found, "summary": summarise_stored(reader.session(session_id) or abort(404))}


def _told(earlier: Sequence[Mapping[str, Any]], then: Mapping[str, Any], found: Comparison) -> Compared:
    rows = [_row(change) for change in found.changes]
    return Compared(earlier, then, rows, found.unlike, found.belt, found.other_speed)


def _row(change: Change) -> ChangeRow:
    spec = change.spec
    unit = "°" if spec.unit == "°" else ""
    of = f"{spec.label}{f', {change.side}' if change.side else ''}"
    then, now = (mean_words(mean, spec) + (unit if mean is not None else "") for mean in (change.then, change.now))
    difference = f"{number(change.value, spec.decimals, signed=True)}{unit}"
    least = f"{number(change.least, spec.decimals)}{unit}"
    sign = "" if change.side is Side.RIGHT else spec.sign
    sign += f"; in {spec.unit}" if sign and change.side and spec.unit not in ("°", "") else ""
    return ChangeRow(of, sign, then, now, difference, least, change.changed, _verdict(change), change.reason)


def _why_none(
    run: Mapping[str, Any], name: str, before: Sequence[Mapping[str, Any]], earlier: Sequence[Mapping[str, Any]]
) -> str:
    if not before:
        return f"This is the first run of {name} that is kept: there is none before it to compare with."
    if run["view"] is None:
        return "It is not known from where the camera looked, so this run cannot be compared with earlier ones."
    whence = _FROM[run["view"]]
    if not earlier:
        return f"{name} was not seen {whence} before: runs from another view cannot be compared."
    return (
        f"No earlier run of {name} {whence} can be compared: it takes {MIN_STANCES} stances of a side in both runs, "
        "and for most measurements a camera whose place is known."
    )
