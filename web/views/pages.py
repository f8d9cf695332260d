"""The pages people look at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from flask import Blueprint, abort, render_template, url_for
from flask.typing import ResponseReturnValue

from device.frames import is_film
from device.health import clock, disk
from device.retention import most_bytes
from device.store import StoreDamaged
from model.coach import KNEE_KEYS
from model.comparison import why_unlike
from model.errors import StoreError
from model.goals import GOALS
from model.lengths import summary_with_centimetres
from model.metrics import METRICS, NOT_MEASURABLE
from model.pose import Side, View
from model.quality import lost_words, many_lost
from model.result import UNKNOWN_CAMERA, WALKED, summarise_stored, walks, well_seen
from model.screening_result import MIN_REPS
from model.stance import MIN_QUALITY
from model.statistics import MIN_STANCES
from web import course, present, screening, set_up
from web.access import on_kiosk
from web.app import box, store_words
from web.names import alphabetical
from web.numbers import LARGEST, asked, named
from web.views.qr import qr_of

blueprint = Blueprint("pages", __name__)
_PER_PAGE = 30


@blueprint.get("/")
def live() -> ResponseReturnValue:
    coach = box().config.coach
    return render_template(
        "live.html",
        kiosk=on_kiosk(),
        threshold_deg=coach.fppa_threshold_deg,
        min_stances=MIN_STANCES,
        goals={key: present.goal_words(key) for key in GOALS},
        offers=screening.OFFERS,
        side_measures=[METRICS[key] for key in present.SIDE_MEASURES],
        min_quality=MIN_QUALITY,
    )


@blueprint.get("/invitation")
def invitation() -> ResponseReturnValue:
    """What the live page says to who comes; it asks again, for the box may have had no address when it was opened."""
    return render_template("_invitation.html", kiosk=on_kiosk())


@blueprint.get("/sessions")
def sessions() -> ResponseReturnValue:
    """All sessions, or those of the runner that ``runner`` names."""
    page, runner_id = asked("page", 1, 1, LARGEST // _PER_PAGE), named("runner")
    found, total, fault = listed_sessions(_PER_PAGE, (page - 1) * _PER_PAGE, runner_id)
    pages = max(1, -(-total // _PER_PAGE))
    if page > pages:
        page = pages
        found, _, fault = listed_sessions(_PER_PAGE, (page - 1) * _PER_PAGE, runner_id)
    names = _names(fault)
    if runner_id is not None and runner_id not in names and fault is None:
        abort(404)
    return render_template(
        "sessions.html",
        course=_course(runner_id, found, fault, draw=page == 1),
        sessions=[{**_listed(head), "runner": names.get(head["runner_id"])} for head in found],
        only=None if runner_id is None else {"id": runner_id, "name": names.get(runner_id, f"runner {runner_id}")},
        page=page,
        pages=pages,
        fault=fault,
    )


def _course(
    runner_id: int | None, heads: Sequence[Mapping[str, Any]], fault: str | None, draw: bool
) -> course.SinceFirst | None:
    """None of everybody's sessions, and where they cannot all be read."""
    if runner_id is None or fault is not None:
        return None
    try:
        return course.since_first(box().reader, runner_id, heads, draw)
    except StoreDamaged as error:
        store_words(error)
        return None


def listed_sessions(
    limit: int, offset: int, runner_id: int | None = None
) -> tuple[list[dict[str, Any]], int, str | None]:
    """Sessions, newest first, how many there are, and what is wrong where only a part of them can be read.

    ``runner_id``: of this runner only.
    """
    reader = box().reader
    try:
        return reader.list_sessions(limit, offset, runner_id), reader.count_sessions(runner_id), None
    except StoreDamaged as error:
        return *reader.readable_sessions(limit, offset, runner_id), store_words(error)


def _names(fault: str | None) -> dict[int, str]:
    """Runners' names by number; of a damaged database perhaps none."""
    try:
        return {runner["id"]: runner["name"] for runner in box().reader.runners()}
    except StoreDamaged:
        if fault is None:
            raise
        return {}


@blueprint.get("/sessions/<int:session_id>")
def session(session_id: int) -> ResponseReturnValue:
    """The result; of a named runner's run against an earlier one, the last or the one that ``with`` names."""
    return _rendered(session_id, run="session.html", test="test.html", whole=True)


@blueprint.get("/sessions/<int:session_id>/card")
def card(session_id: int) -> ResponseReturnValue:
    """The result in short, without a page around it: the live page shows it when a session ends."""
    return _rendered(session_id, run="_card.html", test="_test_card.html")


@blueprint.get("/sessions/<int:session_id>/qr.svg")
def session_qr(session_id: int) -> ResponseReturnValue:
    """The result's address on the local network as a QR code, for phones that see the kiosk."""
    if box().reader.result(session_id) is None:
        abort(404)
    return qr_of(url_for("pages.session", session_id=session_id))


@blueprint.get("/aim")
def aim() -> ResponseReturnValue:
    return set_up.page()


@blueprint.get("/health")
def health() -> ResponseReturnValue:
    config = box().config
    path = config.database_path()
    most = most_bytes(path, config.store.max_mb)
    told: dict[str, Any] = {"disk": disk(path), "clock": clock(), "most": most, "sessions": None, "unread": None}
    try:  # their number alone is told also where the sessions themselves are damaged
        _, sessions, fault = listed_sessions(_PER_PAGE, 0)
        told |= {"sessions": sessions, "fault": fault, "used": box().reader.used_bytes()}
    except StoreError as error:  # what else is wrong is to be seen all the same
        told["unread"] = store_words(error)
    return render_template("health.html", **told)


def _listed(head: Mapping[str, Any]) -> dict[str, Any]:
    summary = head["summary"] or {}
    knee_words, ran = "", head["mode"] == screening.RUN
    if ran:
        row = present.main_rows(present.summary_rows(summary, head["view"]), head["view"])[0]
        knees, knee_words = {"left": row.left, "right": row.right}, present.KNEE_WORDS.get(row.spec.key, "")
    else:
        knees = screening.knees(head["mode"], summary)
    return {
        **head,
        "title": screening.title(head["mode"], summary),
        "belt": course.belt_words(head),
        "duration": present.duration(head["started_utc"], head["ended_utc"]),
        "cadence_spm": summary.get("cadence_spm"),
        "knees": knees,
        "knee_words": knee_words,
        "lost": many_lost(summary.get("frames_lost"), head["frames"]) if ran else None,
        "coached": ran and head["view"] != View.SIDE,
        "kept_back": present.KeptBack.of(head["kept_back"]),
    }


def _rendered(session_id: int, run: str, test: str, whole: bool = False) -> str:
    """A session in the template of a run or of a test.

    ``whole``: with whose it may have been, and a run with what has changed since earlier ones.
    """
    found = box().reader.session(session_id)
    if found is None:
        abort(404)
    camera = found["camera"] or UNKNOWN_CAMERA
    runner = box().reader.runner_name(found["runner_id"])
    shown = {
        "session": found,
        "runner": runner,
        "duration": present.duration(found["started_utc"], found["ended_utc"]),
        "state_words": _state_words(found),
        "belt": course.belt_words(found),
        "camera": camera,
    }
    if whole:
        shown |= {"people": _people(found), "not_given": box().hub.why_not("give_session")}
    if found["mode"] == screening.RUN:
        summary = found["summary"] or _summary_now(found)
        compared = _compared(found, summary, runner) if whole else None
        return render_template(run, **shown, **_run(found, summary, camera), compared=compared)
    return render_template(
        test,
        **shown,
        test=screening.result(found, found["summary"] or {}),
        off_deg=screening.off_deg(found, found["summary"] or {}),
        min_reps=MIN_REPS,
    )


def _people(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Whose a session may have been; nobody's while it runs, and where the runners cannot be read."""
    if found["state"] == "open":
        return []
    try:
        return alphabetical(box().reader.runners())
    except StoreDamaged as error:
        store_words(error)
        return []


def _state_words(found: Mapping[str, Any]) -> str:
    hub, is_open = box().hub, found["state"] == "open"
    if is_open and hub.status()["device"] == "silent":
        return present.UNHEARD_WORDS
    return present.UNCLOSED_WORDS if is_open and not hub.runs(found["id"]) else present.STATE_WORDS[found["state"]]


def _compared(found: Mapping[str, Any], summary: Mapping[str, Any], name: str | None) -> course.Compared | None:
    """None of an anonymous run, of one that still runs, and where earlier ones cannot be read."""
    with_id = named("with")
    if name is None or found["state"] == "open":
        return None
    try:
        return course.compared(box().reader, found, summary, name, with_id)
    except StoreDamaged as error:  # what can be read of this run is shown all the same
        store_words(error)
        return None


def _run(found: Mapping[str, Any], summary: Mapping[str, Any], camera: Mapping[str, Any]) -> dict[str, Any]:
    """What the result page of a run and its card show beside that."""
    run = {**found, "summary": summary}
    unlike = bool(why_unlike(run, run))
    rows = present.summary_rows(summary, found["view"], unlike)
    main = present.main_rows(rows, found["view"])
    cued = Counter(str(cue["metric"]) for cue in found["cues"])
    other = {METRICS[key].label: n for key, n in cued.items() if key not in KNEE_KEYS and key in METRICS}
    return {
        "cadence_spm": summary.get("cadence_spm"),
        "rows": rows,
        "unlike": unlike,
        "drifts": any(cell.drift for row in rows for cell in (row.left, row.right)),
        "measured": [row.spec.key for row in rows if row.measured],
        "main": main,
        "limited": main[0].spec.key in cued,
        "unlimited": [METRICS[key].label for key in KNEE_KEYS if key in cued and key != main[0].spec.key],
        "other_cues": other,
        "curves": present.curves(summary),
        "standing": summary.get("standing"),
        "lost": _lost(found, summary.get("frames_lost")),
        "kept_back": present.KeptBack.of(found["kept_back"]).words,
        "cues": {str(side): _knee_cues(found, side) for side in Side},
        "camera_words": present.CAMERA_WORDS.get(camera["state"], ""),
        "not_measurable": NOT_MEASURABLE,
        "min_stances": MIN_STANCES,
        "min_quality": MIN_QUALITY,
        "poor": sum(not well_seen(stance) for stance in found["stances"]),
        "only_walked": WALKED if walks(found["stances"]) else None,
        "walked": sum(well_seen(stance) and not stance["counts"] for stance in found["stances"]),
    }


def _knee_cues(found: Mapping[str, Any], side: Side) -> str:
    """How often a knee was cued; a runner with another goal is cued for that."""
    cues = sum(cue["side"] == side and cue["metric"] in KNEE_KEYS for cue in found["cues"])
    goals = found["goals"]
    if cues or not goals or set(goals) & set(KNEE_KEYS):
        return f"{cues} cue{'' if cues == 1 else 's'}"
    return "not coached"


def _lost(found: Mapping[str, Any], lost: int | None) -> str | None:
    """That so many pictures of a session were lost that its result suffered; None where not, or where none knows."""
    share = many_lost(lost, found["frames"])
    return None if share is None else lost_words(share, past=True, film=is_film(found["source"]))


def _summary_now(session: Mapping[str, Any]) -> dict[str, Any]:
    """The summary of a session whose own is not written yet."""
    return summary_with_centimetres(summarise_stored(session), session.get("height_cm"))
