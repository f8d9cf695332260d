"""Puts the Flask application together."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from flask import Flask, Response, current_app, jsonify, render_template, request
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from device.config import Config
from device.live import LiveSubscriber
from device.password import PasswordError, password_path
from device.store import StoreDamaged, StoreReader
from model.errors import StoreError
from model.words import capital, counted, sentence
from web import access, auth, present
from web.access import Guard
from web.ended import ENDED_FILE, EndedSignIns
from web.hub import LiveHub
from web.numbers import StoredNumber

HERE = Path(__file__).parent
#: More than the largest form needs; beyond it nothing is read.
MAX_BODY_BYTES = 64 * 1024
_POLICY = "; ".join(
    ["default-src 'self'", "object-src 'none'", "base-uri 'none'", "form-action 'self'", "frame-ancestors 'none'"]
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Box:
    """What the views work with: settings, stored sessions, the live device, and who may do what."""

    config: Config
    reader: StoreReader
    hub: LiveHub
    guard: Guard


def box() -> Box:
    """The current application's `Box`."""
    found: Box = current_app.extensions["kneeline"]
    return found


def create_app(config: Config) -> Flask:
    """The web application.

    The database may be missing (then there are no sessions yet) and the device silent (then the pages say so). A thread
    listens to the device until `close_app`.
    """
    from web import hosts
    from web.views import api, commands, deletion, naming, pages, qr, runners, sign_in, whose

    app = Flask(__name__)
    app.url_map.converters["int"] = StoredNumber
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    app.before_request(hosts.refuse)
    app.before_request(access.refuse)
    auth.protect(app, auth.key_folder(config))
    hub = LiveHub(LiveSubscriber(config.socket_path()), page_version())
    ended = EndedSignIns(auth.key_folder(config) / ENDED_FILE)
    guard = Guard(password_path(config), config.web.host, ended)
    app.extensions["kneeline"] = Box(config, StoreReader(config.database_path()), hub, guard)
    for view in (pages, api, commands, deletion, naming, runners, sign_in, whose):
        app.register_blueprint(view.blueprint)
    app.context_processor(lambda: {"access": access.current(), "for_phones": qr.for_phones})
    app.jinja_env.filters.update(number=present.number, local_time=present.local_time, counted=counted)
    app.jinja_env.filters.update(file_name=present.file_name, date_uncertain=present.date_uncertain)
    app.jinja_env.filters.update(capital=capital, sentence=sentence)
    app.jinja_env.globals.update(page_version=hub.version, app_version=app_version())
    app.after_request(_with_headers)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(StoreError, _store_error)
    app.register_error_handler(PasswordError, _password_error)
    return app


def close_app(app: Flask) -> None:
    """Ends the application's threads and open streams."""
    found: Box = app.extensions["kneeline"]
    found.hub.close()


def app_version() -> str:
    """The installed version of Kneeline."""
    try:
        return metadata.version("kneeline")
    except metadata.PackageNotFoundError:
        return "0"


def page_version() -> str:
    """Changes whenever program, templates or static files do, so that an open kiosk page knows when to reload."""
    digest = hashlib.sha256(app_version().encode())
    for folder in ("static", "templates"):
        for path in sorted((HERE / folder).rglob("*")):
            if path.is_file():
                digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def _with_headers(response: Response) -> Response:
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    if request.endpoint != "static":
        response.headers.setdefault("Cache-Control", "no-store")
    return response


def _error(status: int, title: str, message: str) -> ResponseReturnValue:
    if request.path.startswith("/api/") or request.accept_mimetypes.best == "application/json":
        return jsonify(error=message), status
    return render_template("error.html", title=title, message=message, kiosk=access.on_kiosk()), status


def _http_error(error: HTTPException) -> ResponseReturnValue:
    status = error.code or 500
    if isinstance(error, CSRFError):
        again = "Reload it and press the button again."
        if not request.cookies:
            again += " If that does not help: this browser keeps no cookies of this address, allow them."
        return _error(400, "This page is out of date", again)
    if status == 404:
        return _error(404, "Not found", "There is no such page, session or runner here, or none any more.")
    if status == 405 and request.method == "GET":  # a form's address, as a phone opens it anew with an old tab
        return _error(405, "Nothing to see here", "A form is sent to this address: open its page.")
    if status == 413:
        return _error(413, "Too large", f"More was sent than is read here: {MAX_BODY_BYTES // 1024} KiB at most.")
    return _error(status, error.name, error.description or error.name)


def store_words(error: StoreError) -> str:
    """Why the sessions cannot be read, for the visitor; the log has all of it.

    Which file it is, often with somebody's name in its path, is for those who may read what is in it.
    """
    log.error("%s", error)
    return sentence(str(error)) if access.current().full else "On the box, sudo kneeline doctor tells why."


def _store_error(error: StoreError) -> ResponseReturnValue:
    what = "This part of the sessions" if isinstance(error, StoreDamaged) else "The sessions"
    return _error(503, f"{what} cannot be read", store_words(error))


def _password_error(error: PasswordError) -> ResponseReturnValue:
    """The log names the file; everybody on the network sees this page."""
    log.error("%s", error)
    return _error(503, "Nobody can sign in", access.NO_PASSWORD)
