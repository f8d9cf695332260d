"""JSON, CSV and the live stream."""

from __future__ import annotations

from flask import Blueprint, Response, abort, jsonify, request
from flask.typing import ResponseReturnValue

from model.pose import View
from model.table import session_csv
from web import access, present, set_up
from web.app import box
from web.hub import for_reader
from web.numbers import asked
from web.views.pages import listed_sessions

blueprint = Blueprint("api", __name__)
_MAX_LISTED = 200
#: Enough for a mean of each side, also where some stances were not well seen.
_RECALLED = 60


@blueprint.get("/healthz")
def healthz() -> ResponseReturnValue:
    """For monitors: 200 while this server answers; the device's state is in the body."""
    return jsonify(ok=True, **box().hub.status())


@blueprint.get("/api/live")
def live() -> ResponseReturnValue:
    return jsonify(box().hub.snapshot(access.live_reader()))


@blueprint.get("/api/live/stances")
def live_stances() -> ResponseReturnValue:
    """The last stances of the session that runs, for a page that is opened amid it."""
    session_id = box().hub.session_id()
    stances = [] if session_id is None else box().reader.last_stances(session_id, _RECALLED)
    reader = access.live_reader()
    return jsonify(session_id=session_id, stances=[for_reader(reader, stance) for stance in stances])


@blueprint.get("/api/aim")
def aim() -> ResponseReturnValue:
    """What is wrong with the camera's place; last, that nothing is coached from there."""
    found = box().hub.aim()
    if found["view"] == View.SIDE:
        found["checks"].append(present.goal_check(set_up.coached_goal()))
    return jsonify(found)


@blueprint.get("/api/events")
def events() -> ResponseReturnValue:
    """Server-sent events; 503 where too many pages stream already, then the page polls ``/api/live``."""
    if request.method == "HEAD":  # would open a stream that nobody reads or closes
        return Response(mimetype="text/event-stream")
    stream = box().hub.stream(access.live_reader())
    if stream is None:
        return jsonify(error="too many live pages are open; this one polls"), 503, {"Retry-After": "15"}
    return Response(stream, mimetype="text/event-stream", headers={"X-Accel-Buffering": "no"})


@blueprint.get("/api/sessions")
def sessions() -> ResponseReturnValue:
    heads, total, fault = listed_sessions(asked("limit", 50, 1, _MAX_LISTED), asked("offset", 0, 0))
    for head in heads:  # the curves are long; they are with each session
        (head["summary"] or {}).pop("curves", None)
    return jsonify(sessions=heads, total=total, **({} if fault is None else {"error": fault}))


@blueprint.get("/api/sessions/<int:session_id>")
def session(session_id: int) -> ResponseReturnValue:
    """All of it; of its stances only what ``stances`` names, where that is given: an hour's are 6 MB."""
    found = box().reader.session(session_id) or abort(404)
    wanted = request.args.get("stances", "").split(",")
    if wanted != [""]:
        found["stances"] = [{key: stance[key] for key in wanted if key in stance} for stance in found["stances"]]
    return jsonify(found)


@blueprint.get("/api/sessions/<int:session_id>.csv")
def csv_of_session(session_id: int) -> ResponseReturnValue:
    found = box().reader.session(session_id) or abort(404)
    name = present.file_name(found, "csv")
    return Response(
        session_csv(found),
        mimetype="text/csv",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
