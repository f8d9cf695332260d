"""Who may see and do what with a password set, and how one signs in and out."""

from __future__ import annotations

import email.message
import io
import json
import logging
import re
import threading
import time
import urllib.request
import urllib.response
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, tzinfo
from http.client import HTTPResponse
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any, Self, cast

import itsdangerous
import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse
from werkzeug.wrappers import Response

from device.config import Config, WebConfig
from device.live import LivePublisher, Message
from device.password import password_path, remove_password, set_password
from device.store import Store
from web import access
from web.access import Guard, local_path
from web.app import close_app, create_app
from web.attempts import MAX_ADDRESSES, Attempts
from web.ended import EndedSignIns
from web.hub import LiveHub

Make = Callable[..., Message]
MakeSession = Callable[..., int]
Eventually = Callable[..., None]

GOOD, WRONG = "hip over knee", "knee over hip"
PHONE = "192.168.1.50"
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
#: Written down once more: what is opened by mistake is to be noticed here.
OPEN = {
    ("static", "GET"),
    ("pages.live", "GET"),
    ("pages.health", "GET"),
    ("pages.invitation", "GET"),
    ("api.healthz", "GET"),
    ("api.live", "GET"),
    ("api.live_stances", "GET"),
    ("api.events", "GET"),
    ("runners.qr", "GET"),
    ("sign_in.show", "GET"),
    ("sign_in.enter", "POST"),
    ("sign_in.leave", "POST"),
}
OWN_SCREEN = {("pages.card", "GET"), ("pages.session_qr", "GET")}


@pytest.fixture
def path(config: Config) -> Path:
    return password_path(config)


@pytest.fixture
def locked(path: Path) -> Path:
    """A box whose owner has set a password."""
    set_password(path, GOOD)
    return path


@pytest.fixture
def filled(store: Store, make_session: MakeSession) -> None:
    """A session and a runner for every view that shows one."""
    make_session(3)
    store.add_runner("Anna")


def from_address(app: Flask, address: str) -> FlaskClient:
    made = app.test_client()
    made.environ_base["REMOTE_ADDR"] = address
    return made


@pytest.fixture
def phone(app: Flask) -> FlaskClient:
    """Somebody on the local network."""
    return from_address(app, PHONE)


@pytest.fixture
def screen(app: Flask) -> FlaskClient:
    """The box's own screen."""
    return from_address(app, "127.0.0.1")


def token(client: FlaskClient) -> str:
    found = re.search(r'name="csrf-token" content="([^"]+)"', client.get("/").text)
    assert found is not None
    return found[1]


def enter(client: FlaskClient, password: str = GOOD, target: str = "/sessions") -> TestResponse:
    form = {"password": password, "next": target, "csrf_token": token(client)}
    return client.post("/sign-in", data=form, headers=BROWSER)


def signed_in(client: FlaskClient) -> bool:
    return client.get("/api/sessions").status_code == 200


def requests(app: Flask) -> Iterator[tuple[tuple[str, str], str]]:
    """Every view that reads or changes something, as (endpoint, method) and address."""
    with app.test_request_context():
        values: dict[str, Any] = {"session_id": 1, "runner_id": 1, "filename": "icon.svg"}
        for rule in app.url_map.iter_rules():
            url = app.url_for(rule.endpoint, **{name: values[name] for name in rule.arguments})
            for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
                yield (rule.endpoint, method), url


def statuses(app: Flask, client: FlaskClient) -> dict[tuple[str, str], int]:
    found = {}
    for view, url in requests(app):
        answer = client.open(url, method=view[1], buffered=False)
        found[view] = answer.status_code
        answer.close()
    return found


@pytest.mark.usefixtures("filled")
def test_without_a_password_everything_is_open(app: Flask, phone: FlaskClient) -> None:
    for (endpoint, method), status in statuses(app, phone).items():
        if endpoint.startswith("sign_in."):
            continue
        assert status == (200 if method == "GET" else 400), endpoint  # a POST gets as far as its missing token
    assert phone.get("/sign-in").location == "/"
    assert "Sign in" not in phone.get("/").text


@pytest.mark.usefixtures("locked")
def test_with_a_password_all_but_what_is_named_is_refused(
    app: Flask, phone: FlaskClient, make_session: MakeSession
) -> None:
    make_session(3)
    found = statuses(app, phone)
    assert {view for view, status in found.items() if status != 401} == OPEN
    assert len(found) > 25
    assert {found[view] for view in OPEN if view[1] == "GET"} == {200}


@pytest.mark.usefixtures("locked", "filled")
def test_the_sign_in_opens_all(app: Flask, phone: FlaskClient) -> None:
    assert enter(phone).location == "/sessions"
    found = statuses(app, phone)
    found.pop(("sign_in.show", "GET"))
    assert {view[1]: status for view, status in found.items()} == {"GET": 200, "POST": 400}
    assert set(found.values()) == {200, 400}


@pytest.mark.usefixtures("locked")
def test_the_own_screen_reads_what_the_live_page_needs(
    app: Flask, screen: FlaskClient, make_session: MakeSession
) -> None:
    make_session(3)
    assert {view for view, status in statuses(app, screen).items() if status != 401} == OPEN | OWN_SCREEN


@pytest.mark.usefixtures("locked")
@pytest.mark.parametrize(
    ("address", "header", "status"),
    [
        ("127.0.0.1", None, 200),
        ("127.4.5.6", None, 200),
        ("::1", None, 200),
        ("::ffff:127.0.0.1", None, 200),
        ("::ffff:192.168.1.50", None, 401),
        (PHONE, None, 401),
        ("", None, 401),
        (PHONE, ("X-Forwarded-For", "127.0.0.1"), 401),
        ("127.0.0.1", ("X-Forwarded-For", PHONE), 401),
        ("127.0.0.1", ("Forwarded", f"for={PHONE}"), 401),
        ("127.0.0.1", ("Via", "1.1 proxy"), 401),
    ],
)
def test_only_the_true_address_is_the_own_screen(
    app: Flask, make_session: MakeSession, address: str, header: tuple[str, str] | None, status: int
) -> None:
    url = f"/sessions/{make_session(3)}/card"
    client = from_address(app, address)
    assert client.get(url, headers=[header] if header else []).status_code == status


@pytest.mark.usefixtures("locked")
def test_a_box_that_serves_at_one_address_reaches_itself_by_it(config: Config, make_session: MakeSession) -> None:
    url = f"/sessions/{make_session(3)}/card"
    app = create_app(config.model_copy(update={"web": WebConfig(host="192.168.1.7")}))
    try:
        assert from_address(app, "192.168.1.7").get(url).status_code == 200
        assert from_address(app, PHONE).get(url).status_code == 401
    finally:
        close_app(app)


@pytest.mark.usefixtures("locked")
def test_pages_lead_to_the_sign_in_and_back(phone: FlaskClient, make_session: MakeSession) -> None:
    session_id = make_session(3)
    asked = phone.get(f"/sessions?page=1&x={session_id}", headers=BROWSER)
    assert asked.status_code == 303
    assert asked.location == f"/sign-in?next=/sessions?page%3D1%26x%3D{session_id}"
    page = phone.get(asked.location).text
    found = re.search(r'name="next" value="([^"]+)"', page)
    assert found is not None
    target = found[1].replace("&amp;", "&")
    assert target == f"/sessions?page=1&x={session_id}"
    assert enter(phone, target=target).location == target


@pytest.mark.usefixtures("locked")
def test_a_form_leads_to_the_sign_in_and_back_to_its_page(phone: FlaskClient) -> None:
    for referrer, target in (
        ("http://localhost/aim", "/sign-in?next=/aim"),
        ("http://elsewhere/aim", "/sign-in"),
        ("http://[localhost/aim", "/sign-in"),
    ):
        headers = {**BROWSER, "Referer": referrer}
        assert phone.post("/device/calibrate", headers=headers).location == target


@pytest.mark.usefixtures("locked")
@pytest.mark.parametrize("accept", ["*/*", "application/json", None])
def test_scripts_get_a_message_and_no_page(phone: FlaskClient, accept: str | None) -> None:
    headers = {} if accept is None else {"Accept": accept}
    for answer in (
        phone.get("/api/sessions", headers=headers),
        phone.get("/sessions/1/card", headers=headers),
        phone.post("/device/calibrate", headers=headers),
    ):
        assert answer.status_code == 401
        assert answer.get_json() == {"error": "this needs the sign-in: /sign-in"}
    assert phone.get("/api/sessions", headers=BROWSER).status_code == 401


@pytest.mark.usefixtures("locked")
def test_a_wrong_password_is_said_and_logged_without_it(phone: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        for password in (WRONG, "", GOOD.upper(), GOOD + " "):
            answer = enter(phone, password)
            assert answer.status_code == 401
            assert "This is not the password." in answer.text
            assert password not in answer.text or not password
        assert not signed_in(phone)
        enter(phone)
    assert f"wrong password from {PHONE}, 1 in a row" in caplog.text
    assert f"signed in from {PHONE}" in caplog.text
    for password in (GOOD, WRONG, GOOD.upper()):
        assert password not in caplog.text


@pytest.mark.usefixtures("locked")
def test_the_sign_in_needs_the_token_of_its_form(phone: FlaskClient) -> None:
    answer = phone.post("/sign-in", data={"password": GOOD})
    assert answer.status_code == 400
    assert not signed_in(phone)


@pytest.mark.usefixtures("locked")
def test_who_is_signed_in_still_needs_the_token_of_a_form(phone: FlaskClient) -> None:
    enter(phone)
    assert phone.post("/device/calibrate").status_code == 400
    answer = phone.post("/device/calibrate", data={"csrf_token": token(phone)}, headers={"Accept": "application/json"})
    assert "device is silent" in answer.get_json()["message"]


@pytest.mark.usefixtures("locked")
def test_cookie_of_the_sign_in(phone: FlaskClient, locked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cookie = enter(phone).headers["Set-Cookie"]
    for part in ("HttpOnly", "SameSite=Lax", "Expires="):
        assert part in cookie
    kept = phone.get_cookie("kneeline")
    assert kept is not None
    told = itsdangerous.URLSafeSerializer("").loads_unsafe(kept.value)[1]
    assert locked.read_text().strip() not in str(told)
    assert GOOD not in str(told)
    assert signed_in(phone)
    now = itsdangerous.TimestampSigner.get_timestamp
    for days, holds in ((29, True), (31, False)):
        later = days * 86_400
        monkeypatch.setattr(itsdangerous.TimestampSigner, "get_timestamp", lambda self, s=later: now(self) + s)
        assert signed_in(phone) is holds


@pytest.mark.usefixtures("locked")
def test_a_clock_that_went_back_with_a_power_cut_ends_no_sign_in(
    phone: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Pi has no clock of its own: without a network it begins where it was an hour or some days before."""
    assert enter(phone).status_code == 303
    open_page = {"password": WRONG, "csrf_token": token(phone)}
    now = itsdangerous.TimestampSigner.get_timestamp
    for days, holds in ((1 / 24, True), (29, True), (31, False)):
        before = round(days * 86_400)
        monkeypatch.setattr(itsdangerous.TimestampSigner, "get_timestamp", lambda self, s=before: now(self) - s)
        assert signed_in(phone) is holds
        answer = phone.post("/sign-in", data=open_page, headers=BROWSER)
        assert (answer.status_code == 303) is holds, "a page that was open before has a token that fits"


@pytest.mark.usefixtures("locked")
def test_a_browser_keeps_the_sign_in_of_a_box_whose_clock_is_a_year_behind(
    phone: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Behind(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return super().now(tz) - timedelta(days=365)

    monkeypatch.setattr("flask.sessions.datetime", Behind)
    headers = email.message.Message()
    for line in enter(phone).headers.getlist("Set-Cookie"):
        headers["Set-Cookie"] = line
    browser = CookieJar()
    answer = urllib.response.addinfourl(io.BytesIO(), headers, "http://gym.local/sign-in")
    browser.extract_cookies(cast(HTTPResponse, answer), urllib.request.Request("http://gym.local/sign-in"))
    (kept,) = browser
    assert kept.expires is not None
    assert kept.expires == pytest.approx(time.time() + 30 * 86_400, abs=60)


@pytest.mark.usefixtures("locked")
def test_a_cookie_that_was_made_up_is_none(app: Flask, phone: FlaskClient) -> None:
    enter(phone)
    kept = phone.get_cookie("kneeline")
    assert kept is not None
    other = from_address(app, "192.168.1.51")
    payload, _, rest = kept.value.partition(".")
    other.set_cookie("kneeline", f"{payload}x.{rest}")
    assert not signed_in(other)
    other.set_cookie("kneeline", kept.value)
    assert signed_in(other)


@pytest.mark.usefixtures("locked")
def test_signing_out(phone: FlaskClient) -> None:
    enter(phone)
    assert "Sign out" in phone.get("/sessions").text
    assert phone.post("/sign-out").status_code == 400  # no other page may do it
    answer = phone.post("/sign-out", data={"csrf_token": token(phone)}, follow_redirects=True)
    assert "You are signed out." in answer.text
    assert 'href="/sign-in?next=/"' in answer.text
    assert not signed_in(phone)


@pytest.mark.usefixtures("locked")
def test_signing_out_ends_copies_of_the_cookie_and_no_other_sign_in(
    app: Flask, phone: FlaskClient, config: Config
) -> None:
    other, copy = from_address(app, "192.168.1.51"), from_address(app, "192.168.1.52")
    enter(phone)
    enter(other)
    kept, others = (client.get_cookie("kneeline") for client in (phone, other))
    assert kept is not None
    assert others is not None
    copy.set_cookie("kneeline", kept.value)
    assert signed_in(copy)
    phone.post("/sign-out", data={"csrf_token": token(phone)})
    copy.set_cookie("kneeline", kept.value)
    assert not signed_in(copy)
    assert signed_in(other)
    again = create_app(config)  # after a restart
    try:
        for value, holds in ((kept.value, False), (others.value, True)):
            client = from_address(again, PHONE)
            client.set_cookie("kneeline", value)
            assert signed_in(client) is holds
    finally:
        close_app(again)


def test_sign_ins_end_until_the_restart_where_nothing_can_be_kept(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    ended = EndedSignIns(tmp_path / "folder")
    ended.add("17")
    assert "17" in ended
    assert "18" not in ended


def test_oldest_ended_sign_in_is_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("web.ended.MAX_ENDED", 2)
    ended = EndedSignIns(tmp_path / "ended")
    for number in ("1", "2", "3"):
        ended.add(number)
    assert [number in EndedSignIns(tmp_path / "ended") for number in ("1", "2", "3")] == [False, True, True]


def test_password_is_noticed_at_once_and_ends_older_sign_ins(phone: FlaskClient, path: Path) -> None:
    assert signed_in(phone)
    set_password(path, GOOD)
    assert not signed_in(phone)
    enter(phone)
    assert signed_in(phone)
    for password in ("quite another", GOOD):  # the same words set anew are a new password
        set_password(path, password)
        assert not signed_in(phone)
    remove_password(path)
    assert signed_in(phone)
    set_password(path, GOOD)
    assert not signed_in(phone)


def make_unreadable(path: Path) -> None:
    """For root too."""
    path.unlink()
    path.mkdir()


DAMAGE: dict[str, Callable[[Path], object]] = {
    "empty": lambda path: path.write_text(""),
    "cut short": lambda path: path.write_text(path.read_text()[:60]),
    "other content": lambda path: path.write_bytes(b"\xff\xfe\x00"),
    "unreadable": make_unreadable,
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_opens_nothing_and_says_the_remedy(
    app: Flask,
    phone: FlaskClient,
    make_session: MakeSession,
    locked: Path,
    damage: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    make_session(3)
    enter(phone)
    DAMAGE[damage](locked)
    found = statuses(app, phone)
    assert {view for view, status in found.items() if status != 503} == OPEN
    for url in ("/sessions", "/sign-in"):
        page = phone.get(url, headers=BROWSER).text
        assert page.count("The owner sets another one on the box: sudo kneeline set-password") == 1
        assert str(locked.parent) not in page
    said = phone.get("/api/sessions").get_json()["error"]
    assert "sudo kneeline set-password" in said
    assert str(locked.parent) not in said
    assert str(locked) in caplog.text
    tried = enter(phone)
    assert tried.status_code == 503
    assert "kneeline set-password" in tried.text
    if locked.is_dir():
        locked.rmdir()
    set_password(locked, GOOD)
    assert enter(phone).status_code == 303
    assert signed_in(phone)


@pytest.mark.usefixtures("locked")
@pytest.mark.parametrize(
    "target",
    [
        "https://elsewhere.example/",
        "//elsewhere.example/",
        "/\\elsewhere.example",
        "\\\\elsewhere.example",
        "/\t/elsewhere.example",
        "/\n/elsewhere.example",
        " /sessions",
        "javascript:alert(1)",
        "sessions",
        "",
    ],
)
def test_the_sign_in_leads_nowhere_else(phone: FlaskClient, target: str) -> None:
    assert local_path(target) is None
    assert phone.get("/sign-in", query_string={"next": target}).status_code == 200
    assert enter(phone, target=target).location == "/"
    assert phone.get("/sign-in", query_string={"next": target}).location == "/"  # signed in already


def chunks(stream: Response) -> Iterator[bytes]:
    for chunk in stream.response:
        assert isinstance(chunk, bytes)
        yield chunk


def heard(client: FlaskClient, **headers: str) -> Message:
    """The health message in a stream."""
    with client.get("/api/events", buffered=False, headers=headers) as answer:
        for chunk in chunks(answer):
            for line in chunk.splitlines():
                if line.startswith(b"data: ") and json.loads(line[6:])["type"] == "health":
                    found: Message = json.loads(line[6:])
                    return found
    raise AssertionError("no health message")


def test_live_page_tells_the_name_to_those_who_may_know(
    app: Flask,
    phone: FlaskClient,
    screen: FlaskClient,
    publisher: LivePublisher,
    hub: LiveHub,
    health: Make,
    eventually: Eventually,
    path: Path,
) -> None:
    anna = {"runner": {"id": 1, "name": "Anna", "height_cm": 171.0}, "height_cm": 171.0}
    publisher.publish(health(**anna))
    eventually(lambda: hub.runner(), "the runner")
    assert heard(phone) == health(**anna)
    set_password(path, GOOD)
    bare = health(runner=None, height_cm=None)
    assert heard(phone) == bare
    assert phone.get("/api/live").get_json()["health"] == bare
    assert heard(screen) == screen.get("/api/live").get_json()["health"] == health(**anna)
    assert heard(screen, **{"X-Forwarded-For": PHONE}) == bare
    enter(phone)
    assert heard(phone) == health(**anna)

    with from_address(app, "192.168.1.51").get("/api/events", buffered=False) as stream:
        said = chunks(stream)
        next(said)
        publisher.publish(health(**{**anna, "fps": 12.5}))
        later = next(chunk for chunk in said if b"12.5" in chunk)
    assert b"Anna" not in later


SIDE = {"value": 0.1, "threshold": 0.07, "value_cm": 8.4, "threshold_cm": 5.9}
STANDING = {"state": "done", "result": {"view": "front", "leg_px": 161.2, "leg_cm": 84.0}}
STANCE = {"type": "stance", "side": "left", "step_width_leg": 0.1, "step_width_cm": 8.4, "parts": [{"x_cm": 1.0}]}
CUE = {"type": "cue", "side": "left", "metric": "step_width_leg", **SIDE}


def lengths(told: object) -> Iterator[object]:
    """All that stands under a key in centimetres."""
    if isinstance(told, dict):
        yield from (value for key, value in told.items() if key.endswith("_cm"))
        told = list(told.values())
    for one in told if isinstance(told, list) else []:
        yield from lengths(one)


@pytest.mark.usefixtures("locked")
def test_no_length_tells_how_tall_who_runs_is(
    phone: FlaskClient,
    screen: FlaskClient,
    publisher: LivePublisher,
    hub: LiveHub,
    frame: Make,
    health: Make,
    eventually: Eventually,
) -> None:
    """A leg in centimetres does, and so does any length that also stands there as a share of the leg."""
    standing = frame(30, left=SIDE, calibration=STANDING)
    publisher.publish(health(height_cm=171.0))
    eventually(lambda: hub.height_cm(), "the device")
    for message in (standing, STANCE, CUE):
        publisher.publish(message)
    eventually(lambda: len(hub.snapshot()["events"]) == 2, "the cue")

    def told(client: FlaskClient, fps: float) -> list[Any]:
        """All that is to be had: by polling, at the beginning of a stream, and later in it."""
        polled = client.get("/api/live").get_json()
        found = [polled["frame"], polled["health"], *polled["events"]]
        with client.get("/api/events", buffered=False) as stream:
            said = chunks(stream)
            heard = next(said)
            for message in (STANCE, CUE, health(height_cm=171.0, fps=fps)):
                publisher.publish(message)
            while b'"fps":%.1f' % fps not in heard:
                heard += next(said)
        lines = (line for line in heard.splitlines() if line.startswith(b"data: "))
        streamed = [json.loads(line[6:]) for line in lines]
        assert {message["type"] for message in streamed} == {"status", "health", "frame", "stance", "cue"}
        return found + streamed

    assert set(lengths(told(screen, 12.5))) == {171.0, 84.0, 8.4, 5.9, 1.0}
    bare = told(phone, 13.5)
    assert set(lengths(bare)) == {None}
    assert bare[0]["left"] == {**SIDE, "value_cm": None, "threshold_cm": None}
    assert bare[0]["calibration"]["result"] == {"view": "front", "leg_px": 161.2, "leg_cm": None}
    assert bare[0]["keypoints"] == standing["keypoints"]


@pytest.mark.parametrize("change", ["set", "changed", "removed"])
def test_a_stream_ends_with_the_access_it_was_opened_for(phone: FlaskClient, path: Path, change: str) -> None:
    if change != "set":
        set_password(path, GOOD)
        enter(phone)
    with phone.get("/api/events", buffered=False) as stream:
        said = chunks(stream)
        version = json.loads(next(said).split(b"data: ")[1])["version"]
        next(said)
        if change == "removed":
            remove_password(path)
        else:
            set_password(path, "quite another")
        assert len(list(said)) <= 1
    assert phone.get("/api/live").get_json()["status"]["version"] != version


def test_page_and_stream_have_the_same_version(phone: FlaskClient, path: Path) -> None:
    def versions() -> tuple[str, str]:
        found = re.search(r'data-version="([^"]+)"', phone.get("/").text)
        assert found is not None
        return found[1], phone.get("/api/live").get_json()["status"]["version"]

    seen = [versions()]
    set_password(path, GOOD)
    seen.append(versions())
    enter(phone)
    seen.append(versions())
    assert all(page == stream for page, stream in seen)
    assert len(set(seen)) == 3


@pytest.mark.usefixtures("locked")
def test_kiosk_is_not_led_to_a_sign_in_that_nobody_types_there(screen: FlaskClient) -> None:
    """The password was set while somebody looked for their name."""
    asked = screen.get("/runners?kiosk=1", headers=BROWSER)
    chosen = screen.post("/runners/choose", data={"kiosk": "1"}, headers=BROWSER)
    for answer in (asked, chosen):
        assert (answer.status_code, answer.headers["Location"]) == (303, "/?kiosk=1")


@pytest.mark.usefixtures("locked")
def test_kiosk_offers_nothing_that_would_ask_for_a_password(screen: FlaskClient) -> None:
    page = screen.get("/?kiosk=1").text
    assert "Just run." in page
    assert "<a " not in page.split("<main")[1]
    assert "<form" not in page
    assert "Calibrate" not in screen.get("/").text


def test_only_those_who_may_read_the_sessions_are_told_where_they_are(
    phone: FlaskClient, config: Config, path: Path
) -> None:
    """The health page counts them for everybody."""
    config.database_path().write_text("no database, but long enough to be looked at as one" * 40)
    where = str(config.database_path())
    assert where in phone.get("/health").text
    set_password(path, GOOD)
    page = phone.get("/health")
    assert page.status_code == 200
    assert where not in page.text
    assert "sudo kneeline doctor tells why" in page.text
    enter(phone)
    assert where in phone.get("/health").text


def test_nor_does_the_live_page_tell_others_where_the_sessions_are(
    phone: FlaskClient, path: Path, publisher: LivePublisher, frame: Callable[..., Message],
    eventually: Callable[..., None],
) -> None:  # fmt: skip
    def said() -> list[str | None]:
        told = phone.get("/api/live").get_json()["frame"] or {}
        return [told.get("message"), told.get("store_fault")]

    faults = ("sessions are not stored: /home/anna/k.db is damaged; then restart Kneeline", "/home/anna/k.db is full")
    for fault in faults:
        publisher.publish(frame(message=fault, store_fault=fault))
        eventually(lambda fault=fault: said() == [fault, fault], "the frame")
        set_password(path, GOOD)
        assert said() == ["sessions are not stored: on the box, sudo kneeline doctor tells why"] * 2
        remove_password(path)
    set_password(path, GOOD)
    publisher.publish(frame(message="too dark: more light is needed"))
    eventually(lambda: said() == ["too dark: more light is needed", None], "the next frame")


def test_nor_how_tall_who_runs_is_by_the_stances_so_far(
    phone: FlaskClient, path: Path, publisher: LivePublisher, frame: Make, make_session: MakeSession, store: Store,
    stances: list[Message], eventually: Eventually,
) -> None:  # fmt: skip
    session_id = make_session(3, state="open", summary=False)
    store.add_stance(session_id, {**stances[3], "step_width_leg": 0.1})
    store.set_session_height(session_id, 180.0)
    publisher.publish(frame(session_id=session_id))

    def last() -> Message:
        told: list[Message] = phone.get("/api/live/stances").get_json()["stances"]
        return told[-1] if told else {}

    eventually(lambda: last().get("step_width_cm") == 8.84, "the frame")
    set_password(path, GOOD)
    assert (last()["step_width_leg"], last()["step_width_cm"]) == (0.1, None)


def test_runners_page_says_who_sees_the_name(phone: FlaskClient, path: Path) -> None:
    assert "shown to everyone on this network" in phone.get("/runners").text
    set_password(path, GOOD)
    enter(phone)
    assert "to those who have its password" in phone.get("/runners").text


# Guessing


class Clock:
    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def test_waits_begin_after_five_and_grow_to_a_minute() -> None:
    clock = Clock()
    attempts = Attempts(clock)
    waits = []
    for n in range(1, 12):
        assert attempts.wrong(PHONE) == n
        waits.append(attempts.wait_s(PHONE))
        clock.now_s += waits[-1]
        assert attempts.wait_s(PHONE) == 0
    assert waits == [0, 0, 0, 0, 5, 10, 20, 40, 60, 60, 60]
    attempts.right(PHONE)
    assert attempts.wrong(PHONE) == 1


def test_an_address_is_forgotten_after_a_quarter_of_an_hour() -> None:
    clock = Clock()
    attempts = Attempts(clock)
    for _ in range(5):
        attempts.wrong(PHONE)
    clock.now_s += 901
    assert attempts.wrong(PHONE) == 1


def test_addresses_are_apart_and_their_number_is_bounded() -> None:
    attempts = Attempts(Clock())
    for _ in range(5):
        attempts.wrong("10.0.0.1")
    assert attempts.wait_s("10.0.0.2") == 0
    assert attempts.wait_s("::ffff:10.0.0.1") == attempts.wait_s("10.0.0.1") > 0
    for n in range(MAX_ADDRESSES - 1):
        attempts.wrong(f"10.1.{n // 256}.{n % 256}")
    assert attempts.wait_s("10.0.0.1") > 0
    for n in range(3 * MAX_ADDRESSES):
        attempts.wrong(f"10.2.{n // 256}.{n % 256}")
    assert len(attempts) == MAX_ADDRESSES


def test_a_machine_does_not_get_on_by_another_ipv6_address() -> None:
    attempts = Attempts(Clock())
    for n in range(5):
        attempts.wrong(f"2001:db8:1:2::{n}")
    assert attempts.wait_s("2001:db8:1:2:ffff::1") > 0
    assert attempts.wait_s("2001:db8:1:3::1") == 0


def test_while_an_address_waits_the_right_password_is_refused_too(locked: Path) -> None:
    clock = Clock()
    guard = Guard(locked, "0.0.0.0", EndedSignIns(locked.with_name("ended")), Attempts(clock))
    for _ in range(5):
        assert guard.try_password(WRONG, PHONE).mark is None
    refused = guard.try_password(GOOD, PHONE)
    assert (refused.mark, refused.wait_s) == (None, 5.0)
    assert guard.try_password(GOOD, "192.168.1.51").mark is not None
    clock.now_s += 5.0
    assert guard.try_password(GOOD, PHONE).mark is not None


def test_the_right_password_makes_up_for_the_wrong_ones_before_it(
    locked: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who mistypes it now and then need never wait."""
    monkeypatch.setattr(access, "is_right", lambda kept, typed: typed == GOOD)
    guard = Guard(locked, "0.0.0.0", EndedSignIns(locked.with_name("ended")), Attempts(Clock()))
    for _ in range(3):
        for typed in (WRONG, WRONG, WRONG, GOOD):
            tried = guard.try_password(typed, PHONE)
            assert (tried.mark is None, tried.wait_s) == (typed == WRONG, 0.0)


def test_tries_at_the_same_moment_do_not_escape_the_count(locked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[str] = []

    def is_right(kept: str, typed: str) -> bool:
        checked.append(typed)
        return False

    monkeypatch.setattr(access, "is_right", is_right)
    guard = Guard(locked, "0.0.0.0", EndedSignIns(locked.with_name("ended")))
    threads = [threading.Thread(target=guard.try_password, args=(WRONG, PHONE)) for _ in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(checked) == 5


@pytest.mark.usefixtures("locked")
def test_the_wait_is_said(app: Flask, phone: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "is_right", lambda kept, typed: typed == GOOD)
    assert [enter(phone, WRONG).status_code for _ in range(5)] == [401, 401, 401, 401, 429]
    answer = enter(phone)
    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 5
    assert f"Too many wrong passwords. Wait {answer.headers['Retry-After']} seconds, then try again." in answer.text
    assert not signed_in(phone)
    assert enter(from_address(app, "192.168.1.51")).status_code == 303
