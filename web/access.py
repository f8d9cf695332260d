"""Who may see and do what, where the owner has set a password (``kneeline set-password``).

Without a password everybody on the local network may do everything. With one, the live page, its stream and the health
page stay open to all, but without the runner's name and height; every other page and all that changes something needs
the sign-in. So does a view that is not named here.

The box's own screen has nobody to type. What comes from this machine itself may also see the runner's name and the
short result of a session, as anyone in front of that screen may. Only the connection's own address counts, and what a
proxy says it passes on is never the box's own.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets
import threading
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from flask import current_app, g, jsonify, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from device.address import is_loopback
from device.password import PasswordError, is_right, read_hash
from web.attempts import Attempts
from web.ended import EndedSignIns
from web.hub import Reader

OPEN = frozenset(
    {
        "static",
        "pages.live",
        "pages.health",
        "pages.invitation",
        "api.healthz",
        "api.live",
        "api.live_stances",
        "api.events",
        "runners.qr",
        "sign_in.show",
        "sign_in.enter",
        "sign_in.leave",
    }
)
OWN_SCREEN = frozenset({"pages.card", "pages.session_qr"})
#: A proxy that names itself or its client by any of these is noticed.
_PASSED_ON = ("Forwarded", "Via", "X-Real-IP", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto")
_IN_SESSION = "signed_in"
#: What is said where the file with the password is damaged.
NO_PASSWORD = "The password cannot be read. The owner sets another one on the box: sudo kneeline set-password"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Access:
    """What one visitor may do now.

    Attributes:
        locked: a password is set, or its file is damaged.
        signed_in: with the password that is set now.
        own_screen: the request comes from this machine itself.
        fault: why nobody can sign in, with file and remedy, for the log; None where all is well.
    """

    locked: bool
    signed_in: bool
    own_screen: bool
    fault: str | None = None

    @property
    def full(self) -> bool:
        """Whether everything is allowed."""
        return not self.locked or self.signed_in

    @property
    def names(self) -> bool:
        """Whether the live page tells who runs, and how tall they are."""
        return self.full or self.own_screen

    @property
    def version(self) -> str:
        """Goes with the version of a page: one that was made for another access reloads itself."""
        return "+in" if self.signed_in else "+out" if self.locked else ""

    def allows(self, endpoint: str | None) -> bool:
        """Whether this view is allowed; None is no view, but an error."""
        return self.full or endpoint is None or endpoint in OPEN or (self.own_screen and endpoint in OWN_SCREEN)


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of a try to sign in: the mark for the session, or None; and how long to wait before the next try."""

    mark: str | None
    wait_s: float = 0.0


class Guard:
    """Knows the password that is set now, and lets who types it in. It is looked up each time: no restart is needed.

    Args:
        path: the file that `device.password` keeps; may be missing.
        host: address that is served at, where it is one only: the box reaches itself by it.
        ended: sign-ins that hold no more.
        attempts: wrong passwords so far.
    """

    def __init__(self, path: Path, host: str, ended: EndedSignIns, attempts: Attempts | None = None) -> None:
        self._path = path
        self._host = host
        self._ended = ended
        self._attempts = Attempts() if attempts is None else attempts
        self._one_at_a_time = threading.Lock()

    def access(self, mark: str | None, own_screen: bool) -> Access:
        """What the holder of a session with this mark may do now."""
        try:
            kept = read_hash(self._path)
        except PasswordError as error:
            return Access(locked=True, signed_in=False, own_screen=own_screen, fault=str(error))
        return Access(kept is not None, kept is not None and mark is not None and self._holds(mark, kept), own_screen)

    def _holds(self, mark: str, kept: str) -> bool:
        number = _number(mark)
        return hmac.compare_digest(mark, _mark(kept, number)) and number not in self._ended

    def end(self, mark: str) -> None:
        """A session with this mark may do no more than anybody, nor may a copy of its cookie."""
        self._ended.add(_number(mark))

    def try_password(self, typed: str, address: str) -> Tried:
        """Checks a password; while an address has to wait, the right one is refused too.

        One at a time: a check needs much memory, and tries at the same moment must not escape the count.

        Raises:
            PasswordError: the file is damaged.
        """
        with self._one_at_a_time:
            wait_s = self._attempts.wait_s(address)
            if wait_s > 0:
                return Tried(None, wait_s)
            kept = read_hash(self._path)
            if kept is not None and is_right(kept, typed):
                self._attempts.right(address)
                log.info("signed in from %s", address)
                return Tried(_mark(kept, secrets.token_hex(8)))
            tries = self._attempts.wrong(address)
            log.warning("wrong password from %s, %d in a row", address, tries)
            return Tried(None, self._attempts.wait_s(address))

    def from_own_screen(self) -> bool:
        """Whether the request comes from this machine, and from no proxy on it."""
        address = request.remote_addr or ""
        own = is_loopback(address) or address == self._host
        return own and not any(name in request.headers for name in _PASSED_ON)


def _mark(kept: str, number: str) -> str:
    """What a session remembers: the number of its sign-in, and of the password what fits no other, nor tells it.

    Nor does it fit the same one set anew.
    """
    return f"{number}:{hashlib.sha256(f'kneeline sign-in {number} {kept}'.encode()).hexdigest()}"


def _number(mark: str) -> str:
    return mark.partition(":")[0]


def _guard() -> Guard:
    found: Guard = current_app.extensions["kneeline"].guard
    return found


def current() -> Access:
    """What the visitor who asks may do."""
    if "access" not in g:
        g.access = _guard().access(session.get(_IN_SESSION), _guard().from_own_screen())
    found: Access = g.access
    return found


def live_reader() -> Reader:
    """For whom live messages are; holds until the password is set, changed or removed."""
    guard, now, mark = _guard(), current(), session.get(_IN_SESSION)
    return Reader(now.names, now.version, lambda: guard.access(mark, now.own_screen) == now)


def sign_in(mark: str) -> None:
    """The visitor's session is signed in from now on."""
    session.permanent = True
    session[_IN_SESSION] = mark


def sign_out() -> None:
    """The visitor's sign-in is over."""
    if current().signed_in:
        _guard().end(session[_IN_SESSION])
    session.clear()


def refuse() -> ResponseReturnValue | None:
    """Stops what is not allowed: pages lead to the sign-in, all else gets a message; None lets the request pass."""
    if request.endpoint in OPEN or (now := current()).allows(request.endpoint):
        return None
    if now.fault is not None:
        raise PasswordError(now.fault)
    if _asks_for_page():
        if on_kiosk():  # nobody can type there: it goes back to what it may show
            return redirect(url_for("pages.live", kiosk=1), 303)
        return redirect(url_for("sign_in.show", next=_wanted()), 303)
    return jsonify(error=f"this needs the sign-in: {url_for('sign_in.show')}"), 401


def on_kiosk() -> bool:
    """Whether this is asked on the kiosk, which nobody attends to: it must find back to its live page by itself."""
    try:
        return request.values.get("kiosk") == "1"
    except HTTPException:  # a form that cannot be read
        return False


def _asks_for_page() -> bool:
    asked = request.accept_mimetypes
    return not request.path.startswith("/api/") and asked.quality("text/html") > asked.quality("application/json")


def _wanted() -> str | None:
    """Where to go after the sign-in: the page that was asked for, or the one that the form stands on."""
    if request.method == "GET":
        return request.full_path.rstrip("?")
    try:
        form = urlsplit(request.referrer or "")
    except ValueError:  # no address at all
        return None
    return form.path if form.netloc == request.host else None


def local_path(text: str) -> str | None:
    """The text where it is a path on this box, else None. Browsers drop blanks, and take a backslash for a slash."""
    if not text.startswith("/") or text.startswith("//") or "\\" in text or any(c <= " " for c in text):
        return None
    return text
