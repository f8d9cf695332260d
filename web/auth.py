"""What guards the pages: the secret key, the signed cookie, and the token that every form carries.

Everything that changes something is a POST with a token (CSRF), so that no foreign page can drive the device through a
visitor's browser. Who may read and who may change is told in `web.access`: all on the local network, until the owner
sets a password.
"""

from __future__ import annotations

import logging
import os
import secrets
from datetime import timedelta
from pathlib import Path
from typing import Any

from flask import Flask, Response
from flask.sessions import SecureCookieSessionInterface, SessionMixin
from flask_wtf.csrf import CSRFProtect
from itsdangerous import SignatureExpired, TimestampSigner, URLSafeTimedSerializer

from device.config import Config
from device.whole_file import write_whole

KEY_FILE = "web-secret.key"
_KEY_BYTES = 32
#: So long a sign-in holds, where the password stays the same.
_SIGNED_IN = timedelta(days=30)

log = logging.getLogger(__name__)
csrf = CSRFProtect()


class _Signer(TimestampSigner):
    """Signs with the time, of a clock that may go back: what it signed in its future holds as what is as old."""

    def unsign(self, signed_value: str | bytes, max_age: int | None = None, return_timestamp: bool = False) -> Any:
        value, signed = super().unsign(signed_value, return_timestamp=True)
        apart_s = abs(self.get_timestamp() - signed.timestamp())
        if max_age is not None and apart_s > max_age:
            raise SignatureExpired(f"signed {apart_s:.0f} s from now", payload=value, date_signed=signed)
        return (value, signed) if return_timestamp else value


class _Cookies(SecureCookieSessionInterface):
    """Cookies of a box without a clock of its own, which without a network comes back from a power cut in its past.

    What it signed before holds then, too, and how long a browser keeps a cookie is told as a length of time: a date of
    that clock may be over by that of the browser.
    """

    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer | None:
        made = super().get_signing_serializer(app)
        if made is not None:
            made.signer = _Signer
        return made

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        super().save_session(app, session, response)
        if session and session.permanent and self.should_set_cookie(app, session):
            cookies = response.headers.getlist("Set-Cookie")
            lasting = f"; Max-Age={app.permanent_session_lifetime.total_seconds():.0f}"
            ours = f"{self.get_cookie_name(app)}="
            response.headers.setlist("Set-Cookie", [c + lasting if c.startswith(ours) else c for c in cookies])


def secret_key(folder: Path) -> bytes:
    """The key that signs cookies: made once at random, kept in ``folder`` and readable by its owner only (0600).

    Where the folder cannot be written, a key for this run is made and that is logged: pages that were open before a
    restart must then be reloaded before their buttons work again.
    """
    path = folder / KEY_FILE
    try:
        folder.mkdir(mode=0o750, parents=True, exist_ok=True)
        return _kept_key(path)
    except OSError as error:
        log.warning("%s cannot be kept (%s); using a key for this run only", path, error.strerror)
        return secrets.token_bytes(_KEY_BYTES)


def _kept_key(path: Path) -> bytes:
    """Reads the key, or writes a new one whole before it gets its name (a power cut leaves no half key)."""
    try:
        key = path.read_bytes()
    except FileNotFoundError:
        key = b""
    if len(key) >= _KEY_BYTES:
        path.chmod(0o600)
        return key
    key = secrets.token_bytes(_KEY_BYTES)
    write_whole(path, key, 0o600)
    return key


def key_folder(config: Config) -> Path:
    """The folder for the key: the service's own ($STATE_DIRECTORY, as systemd sets it), else the store's.

    Under systemd the store's folder belongs to the device and is read-only here.
    """
    own = os.environ.get("STATE_DIRECTORY", "").split(":")[0]
    return Path(own) if own else config.database_path().parent


def protect(app: Flask, folder: Path) -> None:
    """Gives the app its key, its cookie rules and the check of every form's token."""
    app.config.update(
        SECRET_KEY=secret_key(folder),
        SESSION_COOKIE_NAME="kneeline",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        PERMANENT_SESSION_LIFETIME=_SIGNED_IN,
        SESSION_REFRESH_EACH_REQUEST=False,  # an answer still on its way would undo the sign-out
        WTF_CSRF_TIME_LIMIT=None,  # a kiosk page stays open for weeks
    )
    app.session_interface = _Cookies()
    csrf.init_app(app)
