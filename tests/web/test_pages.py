"""What the pages say, on a real database."""

from __future__ import annotations

import html
import io
import re
import statistics
from collections.abc import Callable
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any

import pytest
import segno
from flask.testing import FlaskClient

from device.config import Config
from device.health import Clock
from device.live import LivePublisher, Message
from device.store import Store
from model.metrics import METRICS
from model.pose import View
from model.result import summarise
from tests.nobody import as_nobody
from web.app import close_app, create_app
from web.hub import LiveHub
from web.present import duration
from web.views import pages

MakeSession = Callable[..., int]
ANGLES = ["yaw_deg", "yaw_sd_deg", "roll_deg", "pitch_deg", "azimuth_left_deg", "azimuth_right_deg", "advice"]
PAGES = ["/", "/?kiosk=1", "/sessions", "/runners", "/sessions/1", "/aim", "/health", "/nothing"]


class Elements(HTMLParser):
    """All elements of a page with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.inline: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.found and self.found[-1][0] in ("script", "style") and data.strip():
            self.inline.append(data)


def text_of(client: FlaskClient, url: str, status: int = 200) -> str:
    """A page's text without tags, blanks squeezed."""
    answer = client.get(url)
    assert answer.status_code == status
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]*>", " ", answer.text)))


def test_without_database_every_page_works(client: FlaskClient, config: Config) -> None:
    assert not config.database_path().exists()
    assert "No sessions yet" in text_of(client, "/sessions")
    assert "Left knee" in text_of(client, "/")
    assert "Set up the camera" in text_of(client, "/aim")
    assert "Sessions stored 0, 0 of at most 4000 MB" in text_of(client, "/health")
    assert "no such page, session or runner" in text_of(client, "/sessions/1", 404)


#: Larger than a database holds, than a number of 20 digits, and than Python reads.
HUGE = ["9223372036854775808", "99999999999999999999", "9" * 5000]


@pytest.mark.parametrize("number", HUGE)
def test_there_is_nothing_under_a_number_that_is_too_large(
    client: FlaskClient, make_session: MakeSession, number: str
) -> None:
    make_session(3)
    for path in ("", ".csv", "/card", "/qr.svg", "/delete"):
        for start in ("/sessions", "/api/sessions", "/runners"):
            assert client.get(f"{start}/{number}{path}").status_code == 404
    page = re.search(r'name="csrf-token" content="([^"]+)"', client.get("/").text)
    assert page is not None
    for path in (f"/sessions/{number}/delete", f"/runners/{number}/delete", "/runners/choose"):
        assert client.post(path, data={"csrf_token": page[1], "runner_id": number}).status_code == 404


@pytest.mark.parametrize("number", [*HUGE, "2", "-1", "0", "-99999999999999999999", "x", ""])
def test_a_page_that_there_is_not_is_the_nearest_there_is(
    client: FlaskClient, make_session: MakeSession, number: str
) -> None:
    make_session(3)
    assert 'href="/sessions/1"' in client.get(f"/sessions?page={number}").text
    listed = client.get(f"/api/sessions?offset={number}&limit={number}")
    assert listed.status_code == 200
    assert listed.get_json()["total"] == 1


def test_result_shows_mean_spread_number_and_sdd(
    client: FlaskClient, make_session: MakeSession, stances: list[Message]
) -> None:
    text = text_of(client, f"/sessions/{make_session()}")
    for side in ("left", "right"):
        values = [s["fppa_deg"] for s in stances if s["side"] == side]
        shown = f"{statistics.fmean(values):+.1f} ± {statistics.stdev(values):.1f}"  # as on the live page
        assert f"{shown}° {len(values)} stances · 95 % ±" in text
        cued = sum(value > 8 for value in values)
        assert f"mean ± spread of {len(values)} stances · {cued} cue" in text
    assert f"{METRICS['fppa_deg'].sdd}°" in text
    for said in (
        "0 cues",
        "no medical device",
        "clinician",
        "The camera's position is known and taken out",
        "−0.4° ± 0.6°",
        "the pose model has no foot keypoints",
        "598 of 600 frames",
        "a dashed line is the threshold that held last",
    ):
        assert said in text


@pytest.mark.parametrize(("started_utc", "uncertain"), [("1970-01-01T00:01:00+00:00", True), (None, False)])
def test_a_date_from_before_kneeline_is_uncertain(
    client: FlaskClient, store: Store, make_session: MakeSession, started_utc: str | None, uncertain: bool
) -> None:
    session_id = make_session()
    store.update_session(session_id, started_utc=started_utc)
    for path in ("/sessions", f"/sessions/{session_id}"):
        assert ("date uncertain" in text_of(client, path)) is uncertain


def test_landmarks_of_a_result_are_told_apart(client: FlaskClient, make_session: MakeSession) -> None:
    page = client.get(f"/sessions/{make_session()}").text
    named = re.findall(r'<(?:section|div)[^>]* aria-label(?:ledby)?="([^"]+)"', page)
    assert "Table of all measures" in named
    assert len(named) == len(set(named))


def test_result_names_what_a_view_cannot_show(client: FlaskClient, make_session: MakeSession) -> None:
    text = text_of(client, f"/sessions/{make_session()}")
    assert "Hip extension — needs a side view" in text
    assert f"Trunk side lean — {METRICS['trunk_lean_deg'].reason_missing}" in text  # in view, but in no stance


def test_fewer_than_seven_stances_are_too_few(client: FlaskClient, make_session: MakeSession) -> None:
    text = text_of(client, f"/sessions/{make_session(13)}")
    assert "too few: 6 of 7 stances" in text  # right
    assert re.search(r"Knee alignment \(FPPA\).*?± .*?7 stances ·", text)  # left


def test_interrupted_session_without_summary_is_summed_up_from_its_stances(
    client: FlaskClient, make_session: MakeSession
) -> None:
    complete, cut_off = make_session(), make_session(state="interrupted", summary=False, camera=None)
    row = re.compile(r"Knee alignment \(FPPA\) How .*?28 stances.*?27 stances")
    found = [row.search(text_of(client, f"/sessions/{n}")) for n in (complete, cut_off)]
    assert found[0] is not None
    assert found[1] is not None
    assert found[0][0] == found[1][0]
    assert "Power or program ended" in text_of(client, f"/sessions/{cut_off}")


@pytest.mark.parametrize(("lost", "said"), [(None, ""), (50, ""), (200, "25 % of the pictures were lost")])
def test_lost_pictures_are_said_where_they_are_many(
    client: FlaskClient, make_session: MakeSession, lost: int | None, said: str
) -> None:
    more = None if lost is None else {"frames_lost": lost}
    text = text_of(client, f"/sessions/{make_session(more=more, source='usb:/dev/video0')}")
    assert ("of the pictures were lost" in text) is bool(said)
    assert said in text
    assert ("or lower [camera] fps." in text) is bool(said)
    assert (f"598 of 600 frames with a runner · {lost} lost · source" in text) is (lost is not None)


def test_open_session_of_a_silent_device_is_not_said_to_run(client: FlaskClient, make_session: MakeSession) -> None:
    """As after a crash, until the device is back and closes it."""
    text = text_of(client, f"/sessions/{make_session(state='open')}")
    assert "still running" not in text
    assert "It had not ended when the device fell silent." in text


def test_open_session_runs_as_long_as_the_device_tells_of_no_other(
    client: FlaskClient,
    make_session: MakeSession,
    publisher: LivePublisher,
    hub: LiveHub,
    frame: Callable[..., Message],
    eventually: Callable[..., None],
) -> None:
    """Another runs where this one was cut off, and the disk is too full to close it."""
    session_id = make_session(state="open")
    for told, said in ((session_id, "It is still running."), (session_id + 1, "it could not be closed yet")):

        def heard(told: int = told) -> bool:
            publisher.publish(frame(session_id=told))
            return hub.session_id() == told

        eventually(heard, "the frame")
        assert said in text_of(client, f"/sessions/{session_id}")


def test_how_long_a_session_took() -> None:
    began = "2026-11-23T21:24:05.123+00:00"
    for ended, said in (
        ("2026-11-23T21:36:10.123+00:00", "12 min 05 s"),
        ("2026-11-23T21:24:47.000+00:00", "42 s"),
        ("2026-11-23T21:20:00.000+00:00", "0 s"),  # the clock was set back
        (None, "—"),
    ):
        assert duration(began, ended) == said


def test_stances_that_are_in_the_file_but_in_no_mean_are_said(
    client: FlaskClient, make_session: MakeSession, store: Store, stances: list[dict[str, object]]
) -> None:
    session_id = make_session(state="open")
    assert "too poorly" not in text_of(client, f"/sessions/{session_id}")
    store.add_stance(session_id, {**stances[0], "quality": 0.2})
    said = "1 stance seen too poorly (quality below 0.35) is in no mean, but in the CSV file (counts 0) and in the JSON"
    assert said in text_of(client, f"/sessions/{session_id}")


def test_address_of_a_form_says_what_it_is(client: FlaskClient) -> None:
    """A phone opens it anew with an old tab, where something was mistyped."""
    for path in ("/runners/height", "/device/belt-speed"):
        assert "A form is sent to this address: open its page." in text_of(client, path, 405)


def test_lost_pictures_of_a_film_are_not_laid_to_a_setting_of_the_camera(
    client: FlaskClient, make_session: MakeSession
) -> None:
    text = text_of(client, f"/sessions/{make_session(more={'frames_lost': 200}, source='demo_front.mp4')}")
    assert "or take a film with fewer frames per second." in text
    assert "[camera]" not in text


def test_camera_advice_is_shown(client: FlaskClient, make_session: MakeSession) -> None:
    camera = {"state": "refused", "advice": "turn the camera 14° to the left", "source": "belt", "yaw_deg": 14.2}
    whole = dict.fromkeys(ANGLES) | camera
    text = text_of(client, f"/sessions/{make_session(camera=whole)}")
    assert "turn the camera 14° to the left" in text
    assert "no knee angle is claimed" in text
    assert "was moved" not in text
    assert "The camera was moved" in text_of(client, f"/sessions/{make_session(camera=whole | {'moved': True})}")


def test_list_shows_newest_first_and_pages(client: FlaskClient, make_session: MakeSession) -> None:
    for _ in range(31):
        make_session(3)
    first, second = client.get("/sessions").text, client.get("/sessions?page=2").text
    assert re.findall(r"/sessions/(\d+)\"", first) == [str(n) for n in range(31, 1, -1)]
    assert re.findall(r"/sessions/(\d+)\"", second) == ["1"]
    assert "page 2 of 2" in second


def test_list_shows_of_a_side_session_what_is_seen_from_there(
    client: FlaskClient, make_session: MakeSession, seen_from_the_side: Message
) -> None:
    """Its knees' flexion, and no count of cues: nothing is coached from there."""
    make_session(view="side", frontal=False, more=seen_from_the_side)
    assert "side 43.2 ± 0.0° flexion — 103 — complete" in text_of(client, "/sessions")
    make_session()
    assert re.search(r"front \+[\d.]+ ± [\d.]+° \+[\d.]+ ± [\d.]+° \d+ \d+ complete", text_of(client, "/sessions"))
    camera = dict.fromkeys(ANGLES) | {"state": "unknown", "source": "none"}
    make_session(camera=camera, frontal=False)
    assert re.search(r"front (\+[\d.]+ ± [\d.]+° in the picture ){2}", text_of(client, "/sessions"))


def test_card_is_a_fragment_with_the_result(client: FlaskClient, make_session: MakeSession) -> None:
    answer = client.get(f"/sessions/{make_session()}/card")
    assert "<html" not in answer.text
    assert "Knee alignment (FPPA), left" in answer.text
    assert "n = 28" in answer.text


@pytest.fixture
def seen_from_the_side(stances: list[Message]) -> Message:
    """The summary of a session that was seen from the side, its right foot in six stances only."""
    angles: Message = {"fppa_deg": None, "fppa_peak_deg": None, "fppa_image_deg": None}
    angles |= {"knee_flexion_deg": 43.21, "hip_extension_deg": -6.0, "overstride_leg": 0.1}
    left = [{**one, **angles} for one in stances if one["side"] == "left"]
    return summarise([*left, *({**one, "side": "right"} for one in left[:6])], View.SIDE)


def test_result_from_the_side_begins_with_what_is_seen_from_there(
    client: FlaskClient, make_session: MakeSession, seen_from_the_side: Message
) -> None:
    session_id = make_session(view="side", frontal=False, more=seen_from_the_side)
    card = text_of(client, f"/sessions/{session_id}/card")
    page = text_of(client, f"/sessions/{session_id}")
    numbers = ("43.2 ± 0.0°", "−6.0 ± 0.0°", "0.100 ± 0.000", "too few: 6 of 7 stances")
    for text in (card, page):
        for said in ("Knee flexion in stance", *numbers):
            assert said in text
        assert re.search("−6.0 ± 0.0° (of 28 stances · )?hip stays flexed", text)
        assert "43.2 ± 0.0° hip" not in text
    assert "Knee alignment (FPPA), left" not in card + page
    assert "Knee alignment is not seen from the side, so nothing was coached." in page
    assert "Knee flexion in stance, stance by stance" in page
    assert "Camera It stood at the side: where exactly is not found out" in page
    assert "State unknown" not in page
    assert 'data-key="knee_flexion_deg"' in client.get(f"/sessions/{session_id}").text


def test_only_a_hip_that_stays_flexed_is_said_to(
    client: FlaskClient, make_session: MakeSession, seen_from_the_side: Message
) -> None:
    for side in ("left", "right"):
        seen_from_the_side[side]["hip_extension_deg"] |= {"mean": 6.0, "sd": 1.0}
    text = text_of(client, f"/sessions/{make_session(view='side', frontal=False, more=seen_from_the_side)}")
    assert "6.0 ± 1.0°" in text
    assert "hip stays flexed" not in text


@pytest.mark.parametrize("path", ["/", "/?kiosk=1", "/aim", "/health"])
def test_without_scripts_a_page_that_needs_them_says_so(client: FlaskClient, path: str) -> None:
    """Not in the browser: one that is told to run none takes them for allowed as it reads the page."""
    assert re.search(r"<noscript><p[^>]*>This page needs JavaScript", client.get(path).text)


def test_without_javascript_a_result_says_why_nothing_is_drawn(
    client: FlaskClient, make_session: MakeSession, curves: Message
) -> None:
    page = client.get(f"/sessions/{make_session(more={'curves': curves})}").text
    chart, cycles = page.split('<h2 id="cycle-h">')
    assert "<noscript><p" in chart
    assert "the values are in the CSV file" in chart
    assert "<noscript><p" in cycles
    assert "the values are in the JSON file" in cycles


def test_kiosk_has_no_navigation(client: FlaskClient) -> None:
    assert "<nav" in client.get("/").text
    assert "<nav" not in client.get("/?kiosk=1").text


@pytest.mark.parametrize("url", PAGES)
def test_nothing_inline_and_nothing_from_elsewhere(client: FlaskClient, make_session: MakeSession, url: str) -> None:
    make_session()
    answer = client.get(url)
    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"], "no page may lay itself over it"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store", "a browser would show it after the sign-out, too"
    page = Elements(answer.text)
    assert page.inline == []
    for tag, attributes in page.found:
        assert "style" not in attributes, tag
        assert not [name for name in attributes if name.startswith("on")], tag
        for name in ("src", "href", "action"):
            value = attributes.get(name)
            assert value is None or value.startswith(("/", "#")), value


def test_stored_text_is_escaped(client: FlaskClient, make_session: MakeSession) -> None:
    page = client.get(f"/sessions/{make_session(source='<script>alert(1)</script>.mp4')}").text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_unreadable_database_is_said_with_the_remedy(client: FlaskClient, config: Config) -> None:
    config.database_path().parent.mkdir(parents=True, exist_ok=True)
    config.database_path().write_text("this is no database, only a text of more than hundred bytes " * 4)
    assert "is no Kneeline database; move it away" in text_of(client, "/sessions", 503)
    answer = client.get("/api/sessions")
    assert answer.status_code == 503
    body: Any = answer.get_json()
    assert "move it away" in body["error"]
    assert "is no Kneeline database; move it away" in text_of(client, "/runners", 503)
    health = text_of(client, "/health")  # what else is wrong is to be seen there all the same
    assert "The sessions cannot be read." in health
    assert "is no Kneeline database; move it away" in health
    assert "Sessions stored —" in health
    assert client.get("/").status_code == 200


@pytest.mark.parametrize("synchronised", [True, False, None])
def test_health_tells_of_a_clock_that_is_wrong(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, synchronised: bool | None
) -> None:
    now = Clock(datetime(2026, 11, 27, 23, 5, tzinfo=UTC), synchronised)
    monkeypatch.setattr(pages, "clock", lambda: now)
    said = text_of(client, "/health")
    assert f"Clock {now.words}" in said
    assert ("connect the network once, or fit a clock module" in said) is (synchronised is False)


def test_health_is_told_where_the_databases_folder_is_not_for_the_web_to_see(
    client: FlaskClient, config: Config
) -> None:
    """As where the settings name one in somebody's home."""
    client.get("/health")  # from now on the page is made without a look at its files
    folder = config.database_path().parent
    folder.mkdir(exist_ok=True)
    folder.chmod(0)
    try:
        with as_nobody():
            said = text_of(client, "/health")
    finally:
        folder.chmod(0o755)
    assert "The sessions cannot be read." in said
    assert re.search(r"Free space [0-9.]+ of [0-9.]+ GB", said)


def test_of_a_damaged_database_what_can_be_read_is_shown_with_the_damage_and_the_remedy(
    client: FlaskClient, config: Config, store: Store, make_session: MakeSession
) -> None:
    anna, _ = store.add_runner("Anna")
    ids = [make_session(more={"curves": {"x": "y" * 9000}}) for _ in range(12)]
    store.close()
    path = config.database_path()
    damaged: set[int] = set()
    with path.open("r+b") as file:  # pages of the sessions themselves, where they are not rooted
        for page in range(1, path.stat().st_size // 4096):
            file.seek(4096 * page)
            content = file.read(4096)
            if content[0] == 13 and b"demo_front.mp4" in content and not damaged:
                damaged = {n for n in ids if re.search(rb"[0-9a-f]{32}", content)}
                file.seek(4096 * page)
                file.write(bytes(4096))
    assert damaged
    said = text_of(client, "/sessions")
    assert "Only what can still be read is listed." in said
    assert "k.db is damaged; kneeline restore brings a backup back, else move it away." in said
    shown = [n for n in ids if f'href="/sessions/{n}"' in client.get("/sessions").text]
    assert 0 < len(shown) < len(ids)
    for session_id in shown:
        assert client.get(f"/sessions/{session_id}").status_code == 200
        assert client.get(f"/api/sessions/{session_id}.csv").status_code == 200
    health = text_of(client, "/health")
    assert "Not all sessions can be read." in health
    assert "k.db is damaged; kneeline restore brings a backup back, else move it away." in health
    assert f"Sessions stored {len(shown)} readable," in health
    lost = next(n for n in ids if n not in shown)
    assert "This part of the sessions cannot be read" in text_of(client, f"/sessions/{lost}", 503)
    body: Any = client.get("/api/sessions").get_json()
    assert [one["id"] for one in body["sessions"]] == shown[::-1]
    assert (body["total"], "is damaged" in body["error"]) == (len(shown), True)
    assert "Anna" in text_of(client, "/runners")
    assert client.get(f"/runners/{anna}/delete").status_code == 200


def test_every_image_script_and_style_exists(client: FlaskClient, make_session: MakeSession) -> None:
    make_session()
    for url in PAGES:
        for tag, attributes in Elements(client.get(url).text).found:
            source = attributes.get("src") or (attributes.get("href") if tag == "link" else None)
            if source:
                with client.get(source) as answer:
                    assert answer.status_code == 200, source


def test_unknown_camera_shows_the_angle_of_the_picture_and_says_so(
    client: FlaskClient, make_session: MakeSession
) -> None:
    camera = dict.fromkeys(ANGLES) | {"state": "unknown", "source": "none"}
    text = text_of(client, f"/sessions/{make_session(camera=camera, frontal=False)}")
    assert "These are angles as the picture shows them" in text
    assert "Knee alignment in the picture, left" in text
    assert f"Knee alignment (FPPA) — {METRICS['fppa_deg'].reason_missing}" in text


def test_a_session_that_was_walked_says_so(
    client: FlaskClient, make_session: MakeSession, store: Store, stances: list[Message]
) -> None:
    assert "These are steps of walking" not in text_of(client, f"/sessions/{make_session()}")
    session_id = make_session(state="open", n=0)
    for n in range(30):
        side, at_s = ("left", "right")[n % 2], n * 60 / 110
        store.add_stance(session_id, {**stances[0], "side": side, "strike_s": at_s, "toe_off_s": at_s + 0.65})
    assert "These are steps of walking, or of running that hardly" in text_of(client, f"/sessions/{session_id}")


def test_qr_leads_to_the_result_on_the_network(
    client: FlaskClient, make_session: MakeSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same address gives the same squares; a phone cannot use the kiosk's own 127.0.0.1."""
    session_id = make_session()
    path = f"/sessions/{session_id}/qr.svg"

    def squares(host: str) -> bytes:
        answer = client.get(path, base_url=f"http://{host}")
        assert answer.mimetype == "image/svg+xml"
        data: bytes = answer.data
        return data

    def expected(url: str) -> bytes:
        picture = io.BytesIO()
        segno.make(url, error="m").save(picture, kind="svg", scale=4, border=3, light="white")
        return picture.getvalue()

    assert squares("192.168.1.7:8080") == expected(f"http://192.168.1.7:8080/sessions/{session_id}")
    assert squares("kneeline.local") == expected(f"http://kneeline.local/sessions/{session_id}")
    monkeypatch.setattr("web.views.qr.lan_address", lambda *_: "192.168.1.7")
    monkeypatch.setattr("web.address.lan_address", lambda *_: "192.168.1.7")
    assert squares("127.0.0.1:8080") == expected(f"http://192.168.1.7:8080/sessions/{session_id}")
    assert client.get("/sessions/99/qr.svg").status_code == 404


def qr_codes(config: Config, host: str, asked: str) -> list[str]:
    """What the kiosk, the runners' page and a result's card show as QR codes, or say of them."""
    app = create_app(config.model_copy(update={"web": config.web.model_copy(update={"host": host})}))
    pages = [
        app.test_client().get(path, base_url=f"http://{asked}").text
        for path in ("/?kiosk=1", "/", "/runners", "/sessions/1/card", "/invitation", "/invitation?kiosk=1")
    ]
    close_app(app)
    return [found for page in pages for found in re.findall(r"qr\.svg|[Ss]can|on your phone", page)]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_no_qr_leads_to_where_nothing_answers(
    config: Config, make_session: MakeSession, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_session()
    monkeypatch.setattr("web.views.qr.lan_address", lambda *_: "192.168.1.7")
    assert len(qr_codes(config, "0.0.0.0", "localhost:8080")) == 12
    assert qr_codes(config, host, "localhost:8080") == []
    assert len(qr_codes(config, host, "kneeline.local")) == 12  # through a proxy on the box
    monkeypatch.setattr("web.views.qr.lan_address", lambda *_: None)
    assert qr_codes(config, "0.0.0.0", "localhost:8080") == []
    monkeypatch.setattr("web.views.qr.lan_address", lambda host: "fd00::7" if host == "::" else None)
    assert qr_codes(config, "0.0.0.0", "localhost:8080") == []  # which listens for IPv4 alone
    assert len(qr_codes(config, "::", "localhost:8080")) == 12


def test_standing_calibration_and_cycle_are_shown(
    client: FlaskClient, make_session: MakeSession, curves: Message
) -> None:
    standing = {"knee_left_deg": 1.2, "knee_right_deg": None}
    text = text_of(client, f"/sessions/{make_session(more={'curves': curves, 'standing': standing})}")
    assert "at rest: left +1.2° , right —" in text
    assert "Pelvic drop + swing side lower" in text
    listed = client.get("/api/sessions").get_json()["sessions"][0]["summary"]
    assert "standing" in listed
    assert "curves" not in listed


def test_a_difference_is_more_than_noise_only_where_it_is_called_one(
    client: FlaskClient, make_session: MakeSession
) -> None:
    apart = {
        "fppa_deg": {"value": -9.0, "ci95": 1.0, "changed": True},
        "pelvic_drop_deg": {"value": 1.0, "ci95": 0.5, "changed": False},
    }
    text = text_of(client, f"/sessions/{make_session(more={'asymmetry': apart})}")
    assert "−9.0 ± 1.0°, more than noise" in text
    assert "+1.0 ± 0.5°, within noise" in text


def test_drift_is_explained_only_where_one_is_shown(
    client: FlaskClient, make_session: MakeSession, stances: list[Message]
) -> None:
    """A side needs 35 stances: seven in each fifth."""
    later = [{**one, "strike_s": one["strike_s"] + 20, "toe_off_s": one["toe_off_s"] + 20} for one in stances]
    long = summarise([*stances, *later], View("front"))
    for session_id, shown in ((make_session(), False), (make_session(more=long), True)):
        page = client.get(f"/sessions/{session_id}").text
        assert ("<small>drift " in page) is shown
        assert ("Drift is the last fifth of the session" in page) is shown


def test_health_page_names_the_doctor(client: FlaskClient) -> None:
    assert "sudo kneeline doctor" in client.get("/health").text
