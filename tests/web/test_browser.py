"""The pages in a real browser: a real server, a real socket with frames, Debian's Chromium without a screen."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error, Locator, Page, Route, expect, sync_playwright

from device.config import Config, parse_config
from device.live import LivePublisher, Message
from device.password import password_path, remove_password, set_password
from device.runtime import COMMANDS_WITHOUT_STORE
from device.store import Store, StoreReader, utc_now
from device.told import SETTING, Told
from model.place import CORRECTED
from model.pose import Side
from model.programme import SESSIONS, Adherence, in_words
from model.quality import NOBODY, lost_words
from model.screening import Exercise
from model.screening_result import instruction
from model.words import MAX_NAME, sentence
from tests.web.conftest import GOOD_CAMERA
from tests.web.tested import store_test
from web.hub import NO_GPIO

REPO = Path(__file__).resolve().parents[2]
NAME = "kneeline.local"
SWITCHES = [
    f"--host-resolver-rules=MAP {NAME} 127.0.0.1",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=user-gesture-required",
]
WAIT_MS = 15_000
#: As when a phone sleeps or another tab is looked at.
HIDING = """
    let hidden = false;
    Object.defineProperty(document, "hidden", { get: () => hidden });
    window.hide = (now) => { hidden = now; document.dispatchEvent(new Event("visibilitychange")); };
"""
_OWN = re.compile(rf"(data:|http://(127\.0\.0\.1|{re.escape(NAME)}):)")
Make = Callable[..., Message]
MakeSession = Callable[..., int]

expect.set_options(timeout=WAIT_MS)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        if os.environ.get("CI"):
            pytest.fail("chromium is missing: `apt-get install chromium`")
        pytest.skip("chromium is not installed")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=SWITCHES)
        yield started
        started.close()


class Server:
    """A server process that can be stopped and started again on the same port."""

    def __init__(self, config_file: Path) -> None:
        self._config_file = config_file
        self._port = "0"
        self._process: subprocess.Popen[str] | None = None
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "web", "--config", str(self._config_file), "--host", "127.0.0.1"]
        self._process = subprocess.Popen([*command, "--port", self._port], cwd=REPO, stderr=subprocess.PIPE, text=True)
        assert self._process.stderr is not None
        found = re.search(r"http://127\.0\.0\.1:(\d+)/", self._process.stderr.readline())
        assert found is not None
        self._port = found[1]
        self.url = found[0].rstrip("/")
        self.url_by_name = self.url.replace("127.0.0.1", NAME)  # so that phones reach it, and QR codes are shown

    def stop(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.communicate()


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """One box for all tests of this module: a server takes seconds to start."""
    folder = tmp_path_factory.mktemp("box")
    return parse_config({"store": {"path": str(folder / "k.db")}, "live": {"socket": str(folder / "live.sock")}})


@pytest.fixture(scope="module")
def server(config: Config) -> Iterator[Server]:
    path = Path(config.store.path).with_name("config.toml")
    path.write_text(f'[store]\npath = "{config.store.path}"\n[live]\nsocket = "{config.live.socket}"\n')
    started = Server(path)
    yield started
    started.stop()


class Device:
    """Feeds frames of the demo clip at 15 per second, with health, until told otherwise."""

    def __init__(self, config: Config, frame: Make, health: Make) -> None:
        self.commands: list[Message] = []
        self.changes: Message = {}
        self.health: Message = {}
        self.told = Told(Config(), 1.2, lambda _: None)
        self.refusal: str | None = None
        self._config, self._frame, self._health = config, frame, health
        self._stop = threading.Event()
        self._publisher = LivePublisher(config.socket_path(), self._take)
        self._thread = threading.Thread(target=self._feed, daemon=True)
        self._thread.start()

    def publish(self, message: Message) -> None:
        self._publisher.publish(message)

    def cue(self, side: str = "right") -> None:
        cue = {"t_s": 8.3, "side": side, "metric": "fppa_deg", "value": 12.9, "threshold": 8.0, "latency_ms": 31.0}
        self.publish({"type": "cue", "session_id": 1, **cue})

    def mute(self) -> None:
        """Frames stop, but the socket stays: a device that hangs."""
        self._stop.set()
        self._thread.join()

    def close(self) -> None:
        self.mute()
        self._publisher.close()

    def _feed(self) -> None:
        n = 0
        while not self._stop.wait(1 / 15):
            n += 2
            self.publish(self._frame(n, **self.changes))
            if n % 10 == 0:
                self.publish(self._health(**self.told.as_json(), **self.health))

    def _take(self, command: Message) -> None:
        self.commands.append(command)
        self.told.obey(command)
        if "request" in command:
            answer = {"request": command["request"], "done": self.refusal is None, "said": self.refusal}
            self.publish({"type": "answer", **answer})


@pytest.fixture
def device(config: Config, frame: Make, health: Make) -> Iterator[Device]:
    started = Device(config, frame, health)
    yield started
    started.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page that fails the test on any error of a script, any refused or foreign request."""
    context = browser.new_context(viewport={"width": 1024, "height": 600}, color_scheme="dark")
    opened = context.new_page()
    opened.set_default_timeout(WAIT_MS)
    wrong: list[str] = []
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    opened.on("console", lambda said: wrong.append(said.text) if "Content Security Policy" in said.text else None)
    opened.on("request", lambda asked: None if _OWN.match(asked.url) else wrong.append(asked.url))
    yield opened
    context.close()
    assert wrong == []


def inked(page: Page) -> int:
    """How many pixels of the skeleton's canvas are drawn."""
    script = """canvas => {
        const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        let inked = 0;
        for (let i = 3; i < data.length; i += 4) if (data[i]) inked++;
        return inked;
    }"""
    found: int = page.locator("[data-skeleton]").evaluate(script)
    return found


def stance(side: str, n: int, **angles: float | None) -> Message:
    return {"type": "stance", "session_id": 1, "side": side, "strike_s": n, "toe_off_s": n + 0.25, **angles}


def test_skeleton_is_drawn_and_goes_when_nobody_is_there(server: Server, device: Device, page: Page) -> None:
    page.goto(server.url)
    expect(page.locator("[data-skeleton][data-drawn=yes]")).to_be_visible()
    assert inked(page) > 1000
    expect(page.locator("[data-cadence]")).to_have_text("168")
    expect(page.locator("[data-camera]")).to_have_text("position known")
    device.changes = {"keypoints": None, "state": "waiting"}
    expect(page.get_by_text("Nobody in view")).to_be_visible()
    expect(page.get_by_text("Who runs?")).to_be_visible()
    page.locator("[data-skeleton][data-drawn='']").wait_for()
    assert inked(page) == 0


@pytest.mark.parametrize("query", ["", "?kiosk=1"])
def test_who_comes_is_invited_by_an_address_that_is_found_later(
    server: Server, device: Device, page: Page, query: str
) -> None:
    """A kiosk's page is opened before the network is there, and stays open for weeks."""
    asked: list[str] = []

    def told(route: Route) -> None:
        asked.append(route.request.url)
        code = '<img src="/runners/qr.svg?of=http://192.168.1.9" alt="">'
        route.fulfill(body=f"{code}Scan this", content_type="text/html")

    device.changes = {"keypoints": None, "state": "waiting"}
    page.route("**/invitation*", told)
    page.goto(server.url + "/" + query)
    idle = page.locator("[data-idle]")
    expect(idle).to_contain_text("Who runs? Tap here. Or just run.")
    assert idle.locator("img").count() == 0
    expect(idle).to_have_text("Scan this")
    expect(idle.locator("img")).to_have_attribute("src", "/runners/qr.svg?of=http://192.168.1.9")
    assert asked[0] == f"{server.url}/invitation{query}"


def test_camera_that_was_moved_is_said(server: Server, device: Device, page: Page) -> None:
    page.goto(server.url)
    said = page.get_by_text("The camera was moved")
    expect(page.locator("[data-camera]")).to_have_text("position known")
    expect(said).to_be_hidden()
    device.changes = {"camera": {"state": "good", "advice": None, "moved": True}}
    expect(said).to_be_visible()


def test_session_clock_counts_from_the_start_of_the_session(server: Server, device: Device, page: Page) -> None:
    device.changes = {"session_s": 754.6}
    page.goto(server.url)
    expect(page.locator("[data-session]")).to_have_text("12:34")
    device.changes = {"session_s": 3661.0}
    page.reload()
    expect(page.locator("[data-session]")).to_have_text("1:01:01")
    device.changes = {"session_id": None, "session_s": None}
    expect(page.locator("[data-session]")).to_have_text("ended")
    page.reload()
    page.locator("[data-skeleton][data-drawn=yes]").wait_for()
    expect(page.locator("[data-session]")).to_have_text("none")


def test_session_in_which_nobody_ran_is_not_said_to_have_ended(server: Server, device: Device, page: Page) -> None:
    tile = page.locator("[data-session]")
    for told_first in (True, False):
        device.changes = {"session_id": 7, "session_s": 65.0}
        page.goto(server.url)
        expect(tile).to_have_text("1:05")
        told = {"type": "session", "session_id": 7, "state": "discarded"}
        if told_first:
            device.publish(told)
            expect(page.locator("[data-banner]")).to_have_text("Nobody ran: nothing was stored.")
        device.changes = {"session_id": None, "session_s": None}
        if not told_first:
            expect(tile).to_have_text("ended")
            device.publish(told)
        expect(tile).to_have_text("none")
        device.publish({"type": "session", "session_id": 8, "state": "started"})  # the last that is told of later


def test_run_that_made_way_for_a_test_does_not_stand_over_what_to_do(
    server: Server, device: Device, page: Page
) -> None:
    device.changes = {"session_id": 7, "session_s": 5.0}
    page.goto(server.url + "/?kiosk=1")
    expect(page.locator("[data-session]")).to_have_text("0:05")
    device.publish({"type": "session", "session_id": 7, "state": "discarded"})
    expect(page.locator("[data-banner]")).to_have_text("Nobody ran: nothing was stored.")
    device.changes = amid_a_test()
    expect(page.locator("[data-test]")).to_be_visible()
    expect(page.locator("[data-banner]")).to_be_hidden()


def test_what_cannot_be_sent_is_said(server: Server, device: Device, page: Page) -> None:
    page.goto(server.url)
    button, banner = page.get_by_role("button", name="Calibrate standing"), page.locator("[data-banner]")
    expect(button).to_be_visible()
    page.route("**/device/calibrate", lambda route: route.abort("connectionrefused"))
    button.click()
    expect(banner).to_have_text("Not sent: no connection to the box.")
    expect(banner).to_have_attribute("data-level", "bad")


def test_picture_is_a_mirror_for_the_runner_only(server: Server, device: Device, page: Page) -> None:
    """In a front view the runner's left (blue) leg is on the left of the live page, on the right of the set-up page."""
    where = """canvas => {
        const { data, width } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        const mean = { blue: [0, 0], pink: [0, 0] };
        for (let i = 0; i < data.length; i += 4) {
            const [r, g, b, a] = data.slice(i, i + 4);
            if (a < 255) continue;
            const colour = r < 130 && b > 240 ? "blue" : r > 230 && g < 180 && b > 190 ? "pink" : null;
            if (colour) { mean[colour][0] += (i / 4) % width; mean[colour][1]++; }
        }
        return mean.blue[0] / mean.blue[1] - mean.pink[0] / mean.pink[1];
    }"""
    for path, sign in (("/", -1), ("/aim", 1)):
        page.goto(server.url + path)
        page.locator("[data-skeleton][data-drawn=yes]").wait_for()
        assert page.locator("[data-skeleton]").evaluate(where) * sign > 0, path


def test_cue_flashes_with_colour_shape_and_words(server: Server, device: Device, page: Page) -> None:
    page.goto(server.url)
    page.locator("[data-skeleton][data-drawn=yes]").wait_for()
    right, left = (page.locator(f".side[data-side={side}] [data-cue]") for side in ("right", "left"))
    expect(right).to_be_hidden()
    device.cue("right")
    expect(right).to_be_visible()
    expect(right).to_contain_text("Right knee")
    expect(right).to_contain_text("+13° · limit 8°")
    expect(right.locator("svg path")).to_be_visible()
    assert not left.is_visible()
    expect(page.locator("[data-announce]")).to_have_text("right knee out")
    expect(right).to_be_hidden()


def test_gauge_shows_a_mean_only_from_seven_stances(server: Server, device: Device, page: Page) -> None:
    page.goto(server.url)
    page.locator("[data-skeleton][data-drawn=yes]").wait_for()
    left = page.locator(".side[data-side=left]")
    for n in range(6):
        device.publish(stance("left", n, fppa_deg=2.0 + n))
    expect(left.locator("[data-spread]")).to_have_text("6 of 7 stances")
    expect(left.locator("[data-value]")).to_have_text("—")
    device.publish(stance("left", 6, fppa_deg=8.0))
    expect(left.locator("[data-value]")).to_have_text("+5.0°")
    expect(left.locator("[data-state-text]")).to_have_text("aligned")
    expect(left.locator(".state")).to_have_text("last stance aligned")  # the mean above may be beyond the limit
    expect(page.locator(".side[data-side=right] [data-state-of]")).to_be_hidden()
    device.publish(stance("left", 7, fppa_deg=-11.0))
    expect(left.locator("[data-value]")).to_have_text("+3.1°")
    device.publish(stance("left", 8, fppa_deg=14.0))
    expect(left.locator("[data-state-text]")).to_have_text("knee inward")
    expect(page.locator(".side[data-side=right] [data-spread]")).to_have_text("0 of 7 stances")


def test_skeleton_calls_no_knee_aligned_that_nobody_judges(server: Server, device: Device, page: Page) -> None:
    unjudged: Message = {"left": {}, "right": {}}
    device.changes = unjudged
    page.goto(server.url)
    drawn = page.locator("[data-skeleton]")
    expect(drawn).to_have_attribute("data-knees", "off off")
    device.publish(stance("left", 1, fppa_deg=2.0))
    expect(drawn).to_have_attribute("data-knees", "good off")
    device.publish(stance("left", 2, fppa_deg=14.0))
    expect(drawn).to_have_attribute("data-knees", "bad off")
    device.cue("right")
    expect(drawn).to_have_attribute("data-knees", "bad bad")
    device.changes = unjudged | coached("pelvic_drop_deg")
    expect(drawn).to_have_attribute("data-knees", "off off")
    by_feel = {"session": 2, "words": {"session": "session 2 of 8", "time": "", "on_target": ""}}
    device.changes = unjudged | coached("fppa_deg", "programme", feedback=False, programme=by_feel)
    expect(drawn).to_have_attribute("data-knees", "off off unlined")
    device.changes = amid_a_test()
    expect(drawn).to_have_attribute("data-knees", "off off unlined")
    device.changes = unjudged | {"camera": {"state": "refused", "advice": None}}
    expect(drawn).to_have_attribute("data-knees", "off off")


def coached(metric: str, metric_from: str = "session", **more: object) -> Message:
    """The live message's block about the coaching."""
    block = {"metric": metric, "metric_from": metric_from, "feedback": True, "measuring": None, "programme": None}
    return {"coach": {**block, "metronome_spm": None, **more}}


def test_nothing_of_a_gauge_shows_while_no_feedback_is_given(server: Server, device: Device, page: Page) -> None:
    """Not the mean's dot and the threshold's dash either, which are parts of a bar that is hidden."""
    page.goto(server.url)
    page.locator("[data-skeleton][data-drawn=yes]").wait_for()
    for n in range(8):
        device.publish(stance("left", n, fppa_deg=2.0 + n))
    mean = page.locator(".side[data-side=left] .bar .mean")
    expect(mean).to_be_visible()
    device.changes = coached("fppa_deg", feedback=False, measuring={"n": 3, "of": 20})
    expect(page.locator(".stage[data-quiet=yes]")).to_have_count(1)
    for part in page.locator(".side .bar svg *").all():
        expect(part).to_be_hidden()


def test_that_cues_are_switched_off_is_said_beside_the_goal(server: Server, device: Device, page: Page) -> None:
    """Whoever runs waits for cues else, and a named runner was shown a measurement after which none came."""
    page.goto(server.url)
    note, stage = page.locator("[data-goal-note]"), page.locator(".stage")
    device.changes = coached("fppa_deg", feedback=False, kept_back="measuring", measuring={"n": 3, "of": 20})
    expect(stage).to_have_attribute("data-quiet", "yes")
    expect(note).to_have_text("for this session")
    device.changes = coached("fppa_deg", feedback=False, kept_back="off", measuring={"n": 3, "of": 20})
    expect(note).to_have_text("cues are switched off in the settings")
    expect(stage).to_have_attribute("data-quiet", "no")


def judged(verdict: str, value: float, threshold: float, cm: float | None = None) -> Message:
    return {"fppa_deg": 3.0, "alert": verdict == "bad", "verdict": verdict, "value": value, "threshold": threshold,
            "value_cm": cm, "threshold_cm": cm}  # fmt: skip


def test_another_goal_has_its_own_words_and_values(server: Server, device: Device, page: Page) -> None:
    page.goto(server.url)
    expect(page.locator("[data-goal]")).to_have_text("Knee alignment")
    left, right = (page.locator(f".side[data-side={side}]") for side in ("left", "right"))
    device.changes = {
        **coached("pelvic_drop_deg"),
        "left": judged("bad", 6.14, 5.4),
        "right": judged("good", 3.0, 5.4),
    }
    expect(page.locator("[data-goal]")).to_have_text("Pelvic drop")
    expect(page.locator("[data-goal-note]")).to_have_text("for this session")
    expect(left.locator("[data-state-text]")).to_have_text("pelvis drops")
    expect(left.locator("[data-goal-value]")).to_have_text("Pelvic drop 6.1° limit 5.4°")
    expect(right.locator("[data-state-text]")).to_have_text("pelvis level")
    expect(left.locator(".bar .threshold")).to_have_attribute("visibility", "hidden")
    device.changes = {**coached("step_width_leg"), "left": judged("good", 0.1, 0.07, 8.4)}
    expect(left.locator("[data-goal-value]")).to_have_text("Step width 8.4 cm at least 8.4 cm")
    device.changes = {**coached("step_width_leg"), "left": judged("good", 0.1, 0.07)}
    expect(left.locator("[data-goal-value]")).to_have_text("Step width 0.100 leg lengths at least 0.070 leg lengths")
    device.publish({"type": "cue", "session_id": 1, "t_s": 8.3, "side": "left", "metric": "step_width_leg",
                    "value": 0.02, "threshold": 0.07, "value_cm": 1.7, "threshold_cm": 5.9})  # fmt: skip
    expect(left.locator("[data-cue]")).to_contain_text("Left foot wider")
    expect(left.locator("[data-cue]")).to_contain_text("1.7 cm · at least 5.9 cm")
    expect(page.locator("[data-announce]")).to_have_text("left foot wider")


@pytest.mark.parametrize(
    ("metric", "value", "threshold", "level"),
    [
        ("fppa_deg", 9.6, 8.0, "aligned"),
        ("pelvic_drop_deg", 6.1, 5.4, "pelvis level"),
        ("step_width_leg", 0.06, 0.07, "wide enough"),
    ],
)
def test_a_stance_beyond_its_limit_by_noise_is_not_said_to_be_within_it(
    server: Server, device: Device, page: Page, metric: str, value: float, threshold: float, level: str
) -> None:
    """No cue comes, for it may be noise; but "wide enough" stood below 6 cm and "at least 7 cm"."""
    page.goto(server.url)
    said = page.locator(".side[data-side=left] [data-state-text]")
    device.changes = {**coached(metric), "left": judged("good", value, threshold)}
    expect(said).to_have_text("at the limit")
    expect(page.locator(".side[data-side=left]")).to_have_attribute("data-state", "good")
    device.changes = {**coached(metric), "left": judged("good", threshold, threshold)}
    expect(said).to_have_text(level)


def test_a_programme_names_its_goal(server: Server, device: Device, page: Page) -> None:
    retention = {"on": None, "off": None, "stances_off": 0}
    programme = {"session": 2, "of": 8, "run_s": 60.0, "planned_s": 1020.0, "counts": False, "retention": retention}
    words = asdict(in_words(SESSIONS[1], 60.0, Adherence(on=10, on_within=9)))
    device.changes = coached("cadence_spm", "programme", programme={**programme, "words": words})
    page.goto(server.url)
    expect(page.locator("[data-programme-label]")).to_have_text("Programme: cadence")
    expect(page.locator("[data-programme-session]")).to_have_text("session 2 of 8")
    expect(page.locator("[data-programme-note]")).to_have_text("1:00 of 17:00 min run · on target 90 % with cues")
    expect(page.locator("[data-goal-tile]")).to_be_hidden()


def calibration(state: str, message: str, **more: object) -> Message:
    block = {"state": state, "message": message, "age_s": 1.0, "held_s": 0.0, "of_s": 3.0, "result": None}
    return {"calibration": {**block, **more}}


CALIBRATED = {"view": "front", "t_s": 9.0, "leg_px": 161.2, "leg_cm": 88.38, "knee_left_deg": 3.04,
              "knee_right_deg": -1.2, "roll_deg": 0.5, "hip_line_deg": 0.2}  # fmt: skip


def test_calibration_is_asked_for_and_followed_on_the_set_up_page(server: Server, device: Device, page: Page) -> None:
    page.goto(server.url + "/aim")
    block = page.locator("[data-calibration]")
    expect(block).to_be_hidden()
    page.get_by_role("button", name="Calibrate standing").click()
    expect(page.get_by_text("Calibrating: stand still on the belt for 3 seconds")).to_be_visible()
    assert {"command": "calibrate"} in device.commands
    device.changes = calibration("running", "Stand still on straight legs, facing as you run.", held_s=1.2)
    expect(block).to_contain_text("Stand still on straight legs")
    expect(block.locator("progress")).to_have_js_property("value", 1.2)
    device.changes = calibration("failed", "Not calibrated. Your legs are bent: stretch both knees.")
    expect(block).to_contain_text("Not calibrated. Your legs are bent")
    expect(block.locator("progress")).to_be_hidden()
    device.changes = calibration("done", "Calibrated. You can run.", result=CALIBRATED)
    for text in ("161 px in the picture, about 88 cm", "Knee alignment in the picture, left+3.0°", "right−1.2°"):
        expect(block).to_contain_text(text)
    expect(block).to_contain_text("Tilt of the picture (roll)+0.5°")


def test_calibration_from_the_live_page_stays_there(server: Server, device: Device, page: Page) -> None:
    page.goto(server.url)
    page.locator("[data-skeleton][data-drawn=yes]").wait_for()
    page.evaluate("window.same = true")
    page.get_by_role("button", name="Calibrate standing").click()
    until_s = time.monotonic() + 10
    while not device.commands and time.monotonic() < until_s:
        time.sleep(0.02)
    assert device.commands == [{"command": "calibrate"}]
    device.changes = calibration("running", "Stand still on straight legs, facing as you run.", held_s=1.2)
    expect(page.locator("[data-banner]")).to_have_text(
        "Standing calibration. Stand still on straight legs, facing as you run. 2 s more."
    )
    bare = {**CALIBRATED, "leg_cm": None}
    device.changes = calibration("done", "Calibrated. You can run.", result=bare)
    expect(page.locator("[data-banner]")).to_have_text("Calibrated. You can run. Leg length 161 px.")
    device.changes = calibration("done", "Calibrated. You can run.", result=bare, age_s=9.0)
    expect(page.locator("[data-banner]")).to_be_hidden()
    assert page.evaluate("window.same")


@pytest.mark.parametrize(
    ("state", "tile", "knee"),
    [("unknown", "finding its position", "camera not known yet"), ("refused", "too oblique", "camera too oblique")],
)
def test_unknown_camera_judges_nobody(
    server: Server, device: Device, page: Page, state: str, tile: str, knee: str
) -> None:
    device.changes = {"camera": {**GOOD_CAMERA, "state": state}}
    page.goto(server.url)
    page.locator("[data-skeleton][data-drawn=yes]").wait_for()
    for n in range(7):
        device.publish(stance("left", n, fppa_deg=None, fppa_image_deg=15.0))
    left = page.locator(".side[data-side=left]")
    expect(left.locator("[data-value]")).to_have_text("+15.0°")
    expect(left.locator("[data-spread]")).to_contain_text("in the picture")
    expect(left.locator("[data-state-text]")).to_have_text(knee)
    expect(page.locator("[data-camera]")).to_have_text(tile)


def test_tile_and_knees_agree_on_whether_the_camera_is_known(server: Server, device: Device, page: Page) -> None:
    """Also before the next stance of each knee, the first that has an angle with the camera taken out."""
    device.changes = {"camera": {**GOOD_CAMERA, "state": "unknown"}}
    page.goto(server.url)
    page.locator("[data-skeleton][data-drawn=yes]").wait_for()
    left = page.locator(".side[data-side=left]")
    device.publish(stance("left", 0, fppa_deg=None, fppa_image_deg=15.0))
    expect(left.locator("[data-spread]")).to_have_text("1 of 7 stances · in the picture")
    device.changes = {}
    expect(page.locator("[data-camera]")).to_have_text("position known")
    expect(left.locator("[data-state-text]")).to_have_text("measuring…")
    expect(left.locator("[data-spread]")).to_have_text("0 of 7 stances")
    device.publish(stance("left", 1, fppa_deg=None, fppa_image_deg=15.0))  # began before
    device.publish(stance("left", 2, fppa_deg=3.0, fppa_image_deg=15.0))
    expect(left.locator("[data-spread]")).to_have_text("1 of 7 stances")
    expect(left.locator("[data-state-text]")).to_have_text("aligned")


def from_the_side(n: int, side: str, **more: float) -> Message:
    angles = {"knee_flexion_deg": 40.0 + n, "hip_extension_deg": -3.0 - n, "overstride_leg": 0.1}
    return stance(side, n, fppa_deg=None, fppa_image_deg=None, **{"quality": 0.8, **angles, **more})


@pytest.mark.parametrize(("path", "width", "height"), [("/", 1280, 800), ("/", 360, 740), ("/?kiosk=1", 800, 480)])
def test_a_camera_at_the_side_shows_what_is_seen_from_there(
    server: Server, device: Device, page: Page, path: str, width: int, height: int
) -> None:
    device.changes = {"view": "side", "camera": {"state": "unknown", "advice": None}}
    page.set_viewport_size({"width": width, "height": height})
    page.goto(server.url + path)
    said = "Knee alignment is not seen from the side. Measured: knee flexion in stance, hip extension, overstride"
    expect(page.locator("[data-banner]")).to_contain_text(said)
    expect(page.locator("[data-camera]")).to_have_text("at the side")
    expect(page.locator("[data-goal]")).to_have_text("none")  # cadence is seen, and not coached either
    expect(page.locator("[data-goal-note]")).to_have_text("nothing is coached from the side")
    left = page.locator(".side[data-side=left]")
    for gone in ("[data-value]", "[data-spread]", "[data-bar]", ".state"):
        expect(left.locator(gone)).to_be_hidden()
    flexion = left.locator("[data-key=knee_flexion_deg]")
    for n in range(6):
        device.publish(from_the_side(n, "left"))
    device.publish(from_the_side(40, "left", quality=0.2))  # not well seen: it does not count
    expect(flexion).to_contain_text("— 6 of 7 stances")
    device.publish(from_the_side(6, "left"))
    expect(flexion).to_contain_text("43.0° ± 2.2°")
    expect(left.locator("[data-key=hip_extension_deg]")).to_contain_text("−6.0° ± 2.2°hip stays flexed")
    below = [page.locator(f".side[data-side={side}] [data-below-zero]") for side in ("left", "right")]
    expect(below[0]).to_be_visible()
    expect(below[1]).to_be_hidden()  # nothing is known of that leg yet
    for n in range(7):
        device.publish(from_the_side(50 + n, "right", hip_extension_deg=9.0))
    expect(page.locator(".side[data-side=right] [data-key=hip_extension_deg]")).to_contain_text("9.0° ± 0.0°")
    expect(below[1]).to_be_hidden()
    expect(left.locator("[data-key=overstride_leg]")).to_contain_text("Overstride, leg lengths0.100 ± 0.000")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    if "kiosk" in path:
        assert page.evaluate("document.documentElement.scrollHeight") <= height


def test_set_up_says_that_the_goal_is_not_seen_from_the_side(server: Server, device: Device, page: Page) -> None:
    device.changes = {"view": "side", **coached("pelvic_drop_deg")}
    page.goto(server.url + "/aim")
    advice = page.locator("[data-advice]")
    expect(advice).to_contain_text("Pelvic drop needs a camera in front or behind")
    expect(page.locator("[data-checks] [data-key=goal]")).to_have_attribute("data-state", "warn")
    device.changes = coached("pelvic_drop_deg")
    expect(advice).to_have_text("All good. Leave the camera as it stands.")


def test_a_page_that_is_opened_amid_a_session_goes_on_with_its_stances(
    server: Server, device: Device, make_session: MakeSession, stances: list[Message], store: Store, page: Page
) -> None:
    session_id = make_session(20, state="open", summary=False)
    device.changes = {"session_id": session_id}
    page.goto(server.url)
    left, right = (page.locator(f".side[data-side={side}] [data-value]") for side in ("left", "right"))
    for shown, side in ((left, "left"), (right, "right")):
        last = [one["fppa_deg"] for one in stances[:20] if one["side"] == side][-7:]
        expect(shown).to_have_text(f"{sum(last) / 7:+.1f}°".replace("-", "−"))
    device.changes = {"session_id": None, "session_s": None}
    expect(left).to_have_text("—")
    store.end_session(session_id)


def test_a_phone_that_has_slept_shows_the_last_stances_and_not_those_before(
    server: Server, device: Device, make_session: MakeSession, stances: list[Message], store: Store, page: Page
) -> None:
    session_id = make_session(20, state="open", summary=False)
    device.changes = {"session_id": session_id}
    page.add_init_script(HIDING)
    page.goto(server.url)
    shown = page.locator(".side[data-side=right] [data-value]")

    def mean_of_last(n: int) -> str:
        last = [one["fppa_deg"] for one in stances[:n] if one["side"] == "right"][-7:]
        return f"{sum(last) / 7:+.1f}°".replace("-", "−")

    expect(shown).to_have_text(mean_of_last(20))
    page.evaluate("hide(true)")
    for one in stances[20:40]:
        store.add_stance(session_id, one)
    page.evaluate("hide(false)")
    assert mean_of_last(40) != mean_of_last(20)
    expect(shown).to_have_text(mean_of_last(40))
    device.publish({**stance("right", 99, fppa_deg=50.0), "session_id": session_id})
    expect(shown).not_to_have_text(mean_of_last(40))  # and goes on from there
    store.end_session(session_id)


def test_silence_of_the_device_is_announced_and_its_return(
    server: Server, config: Config, frame: Make, health: Make, page: Page
) -> None:
    with closing(Device(config, frame, health)) as device:
        page.goto(server.url)
        page.locator("[data-skeleton][data-drawn=yes]").wait_for()
        device.mute()
        expect(page.locator("[data-banner]")).to_contain_text("device is silent")
        expect(page.locator("[data-banner]")).to_contain_text("on the box: sudo kneeline doctor")
        page.locator("[data-skeleton][data-drawn='']").wait_for()
        for _ in range(50):
            if inked(page) == 0:
                break
            page.wait_for_timeout(100)
        assert inked(page) == 0
    with closing(Device(config, frame, health)):
        page.locator("[data-skeleton][data-drawn=yes]").wait_for()
        expect(page.locator("[data-banner]")).to_be_hidden()


def test_a_device_that_was_heard_before_the_page_began_is_not_silent(server: Server, page: Page) -> None:
    """Every fifth opening of a page began with a red banner: its clock begins at 0."""
    page.add_init_script("""let first = true;
    window.EventSource = class {
        constructor() {
            if (first) setTimeout(() => this.onmessage({ data: JSON.stringify({ type: "status", device: "live",
                age_s: 2.9, version: document.documentElement.dataset.version, epoch: "one" }) }));
            first = false;
        }
        close() {}
    }""")
    page.goto(server.url)
    expect(page.locator("[data-link]")).to_have_text("live")
    expect(page.locator("[data-banner]")).to_be_hidden()


def test_kiosk_recovers_from_a_server_restart(
    server: Server, device: Device, make_session: MakeSession, page: Page
) -> None:
    """Also its ears: the new server numbers what happens from 1 again."""
    page.goto(server.url + "/?kiosk=1")
    page.locator("[data-skeleton][data-drawn=yes]").wait_for()
    right, left = (page.locator(f".side[data-side={side}]") for side in ("right", "left"))
    for n in range(6):
        device.publish(stance("left", n, fppa_deg=2.0 + n))
        device.cue("left")
    expect(left.locator("[data-cue]")).to_be_visible()
    expect(left.locator("[data-spread]")).to_have_text("6 of 7 stances")
    page.locator("[data-banner]").evaluate("""banner => {
        window.said = new Set();
        new MutationObserver(() => window.said.add(banner.textContent)).observe(banner, { childList: true });
    }""")
    server.stop()
    expect(page.locator("[data-banner]")).to_contain_text("No connection to the box")
    server.start()
    page.locator("[data-skeleton][data-drawn=yes]").wait_for()
    expect(page.locator("[data-banner]")).to_be_hidden()
    assert page.evaluate("[...window.said].filter(text => text.includes('device is silent'))") == []
    device.cue("right")
    expect(right.locator("[data-cue]")).to_be_visible()
    device.publish(stance("right", 7, fppa_deg=3.0))
    expect(right.locator("[data-spread]")).to_have_text("1 of 7 stances")
    device.publish({"type": "session", "session_id": make_session(), "state": "ended"})
    expect(page.locator("[data-last]")).to_contain_text("55 stances")


def test_result_that_was_shown_is_not_shown_anew_after_a_restart(
    server: Server, device: Device, make_session: MakeSession, page: Page
) -> None:
    page.goto(server.url + "/?kiosk=1")
    page.locator("[data-skeleton][data-drawn=yes]").wait_for()
    device.publish({"type": "session", "session_id": make_session(), "state": "ended"})
    last = page.locator("[data-last]")
    expect(last).to_be_visible()
    last.evaluate("last => (last.hidden = true)")  # as after its time
    server.stop()
    expect(page.locator("[data-banner]")).to_contain_text("No connection to the box")
    server.start()
    expect(page.locator("[data-banner]")).to_be_hidden()
    device.cue("right")
    expect(page.locator(".side[data-side=right] [data-cue]")).to_be_visible()
    expect(last).to_be_hidden()


def test_page_of_another_version_reloads_itself(server: Server, device: Device, page: Page) -> None:
    page.goto(server.url + "/?kiosk=1")
    page.locator("[data-skeleton][data-drawn=yes]").wait_for()
    old = page.evaluate("document.documentElement.dataset.version")
    other = re.compile(f'data-version="{old}"')
    page.route("**/?kiosk=1", lambda route: route.fulfill(body=other.sub('data-version="old"', route.fetch().text())))
    page.reload(wait_until="commit")
    page.unroute("**/?kiosk=1")
    page.wait_for_function(f"document.documentElement.dataset.version === '{old}'")


def test_page_polls_where_no_stream_is_to_be_had(server: Server, device: Device, page: Page) -> None:
    page.route("**/api/events", lambda route: route.fulfill(status=503, body="{}"))
    page.goto(server.url)
    page.locator("[data-skeleton][data-drawn=yes]").wait_for()
    device.cue("left")
    expect(page.locator(".side[data-side=left] [data-cue]")).to_be_visible()
    expect(page.locator("[data-fps]")).to_have_text("30")


def test_polling_page_takes_only_the_state_of_what_happened_before(
    server: Server, device: Device, make_session: MakeSession, page: Page
) -> None:
    page.goto(server.url)
    page.locator("[data-skeleton][data-drawn=yes]").wait_for()
    device.cue("right")
    device.publish(stance("right", 1, fppa_deg=3.0))
    device.publish({"type": "session", "session_id": make_session(), "state": "ended"})
    expect(page.locator("[data-last]")).to_be_visible()
    device.changes = {"session_id": None, "session_s": None}  # else the card goes with the next session
    page.route("**/api/events", lambda route: route.fulfill(status=503, body="{}"))
    with page.expect_response("**/api/live") as told:
        page.reload()
    assert {"cue", "stance", "session"} <= {event["type"] for event in told.value.json()["events"]}
    expect(page.locator("[data-last]")).to_contain_text("55 stances")
    device.cue("left")
    expect(page.locator(".side[data-side=left] [data-cue]")).to_be_visible()
    expect(page.locator("[data-announce]")).to_have_text("left knee out")  # the first that is announced
    expect(page.locator(".side[data-side=right] [data-spread]")).to_have_text("0 of 7 stances")


def test_polling_page_that_was_cut_off_does_not_tell_late_what_it_missed(
    server: Server, device: Device, page: Page
) -> None:
    page.route("**/api/events", lambda route: route.fulfill(status=503, body="{}"))
    page.goto(server.url)
    spread = page.locator(".side[data-side=right] [data-spread]")
    page.locator("[data-skeleton][data-drawn=yes]").wait_for()
    device.publish(stance("right", 1, fppa_deg=3.0))
    expect(spread).to_have_text("1 of 7 stances")
    page.route("**/api/live", lambda route: route.abort())
    expect(page.locator("[data-banner]")).to_contain_text("No connection to the box")
    device.publish(stance("right", 2, fppa_deg=3.0))
    page.unroute("**/api/live")
    expect(page.locator("[data-banner]")).to_be_hidden()
    device.publish(stance("right", 3, fppa_deg=3.0))
    expect(spread).to_have_text("2 of 7 stances")


def test_result_appears_when_a_session_ends(
    server: Server, device: Device, make_session: MakeSession, page: Page
) -> None:
    session_id = make_session()
    page.goto(server.url)
    page.locator("[data-skeleton][data-drawn=yes]").wait_for()
    device.publish({"type": "session", "session_id": session_id, "state": "ended"})
    expect(page.locator("[data-last]")).to_contain_text("55 stances")
    expect(page.locator("[data-last] h2")).to_have_text(f"Session {session_id}")  # not that of the one before
    page.get_by_role("link", name="See the whole result").click()
    expect(page.get_by_role("heading", name=f"Session {session_id}")).to_be_visible()


def test_result_that_comes_late_does_not_replace_a_newer_one(
    server: Server, device: Device, make_session: MakeSession, page: Page
) -> None:
    late, newer = make_session(n=9), make_session()
    page.goto(server.url)
    page.locator("[data-skeleton][data-drawn=yes]").wait_for()
    waiting: list[Route] = []
    page.route(f"**/sessions/{late}/card", lambda route: waiting.append(route))
    device.publish({"type": "session", "session_id": late, "state": "ended"})
    device.publish({"type": "session", "session_id": newer, "state": "ended"})
    shown = page.locator("[data-last] h2")
    expect(shown).to_have_text(f"Session {newer}")
    with page.expect_response(f"**/sessions/{late}/card"):
        waiting[0].continue_()
    page.wait_for_timeout(200)
    expect(shown).to_have_text(f"Session {newer}")


def test_chart_has_every_stance_and_ink(server: Server, make_session: MakeSession, page: Page) -> None:
    page.goto(f"{server.url}/sessions/{make_session()}")
    chart = page.locator("[data-chart]")
    expect(chart).to_have_attribute("data-points", "55")
    colours = """canvas => {
        const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        const seen = new Set();
        for (let i = 0; i < data.length; i += 4) if (data[i + 3] === 255) seen.add(data.slice(i, i + 3).join());
        return [...seen];
    }"""
    page.locator("[data-chart] canvas").wait_for()
    expect(chart.locator("canvas")).to_be_visible()
    page.wait_for_timeout(200)
    found = chart.locator("canvas").evaluate(colours)
    for colour in ("108,184,255", "243,155,216", "255,178,36"):  # left, right, cue
        assert colour in found


def test_chart_of_an_hour_is_no_block_of_marks(server: Server, make_session: MakeSession, page: Page) -> None:
    """Marks that lie in heaps are pale, and both lines are to be seen among them, of more stances than else."""
    session_id = make_session()
    brief = json.loads(page.request.get(f"{server.url}/api/sessions/{session_id}").text())
    step_s, hour = brief["stances"][-1]["toe_off_s"], []
    for n in range(150):
        times = ({name: stance[name] + n * step_s for name in ("strike_s", "toe_off_s")} for stance in brief["stances"])
        hour += [stance | shifted for stance, shifted in zip(brief["stances"], times, strict=True)]
    page.route(f"**/api/sessions/{session_id}?*", lambda route: route.fulfill(json=brief | {"stances": hour}))
    page.goto(f"{server.url}/sessions/{session_id}")
    chart = page.locator("[data-chart]")
    expect(chart).to_have_attribute("data-points", str(150 * 55))
    mean = int(chart.get_attribute("data-mean") or "")
    assert 20 < mean < 40
    assert mean % 2 == 1
    expect(page.locator("[aria-labelledby=chart-h] .hint")).to_contain_text(f"the line is the mean of {mean} stances.")
    chart.locator("canvas").wait_for()
    page.wait_for_timeout(200)
    share = """(canvas, [red, green, blue]) => {
        const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        let found = 0;
        for (let i = 0; i < data.length; i += 4)
            found += data[i] === red && data[i + 1] === green && data[i + 2] === blue && data[i + 3] === 255;
        return found / (canvas.width * canvas.height);
    }"""
    for colour in ([108, 184, 255], [243, 155, 216]):  # full ink: lines alone
        assert 0.001 < chart.locator("canvas").evaluate(share, colour) < 0.04


@pytest.mark.parametrize(
    ("cued", "drawn", "said"),
    [
        ([("right", "pelvic_drop_deg", 5.0)], {}, "Cued stances carry a triangle. Cues for pelvic drop are not"),
        ([("left", "fppa_deg", 6.5), ("right", "fppa_deg", 9.5), ("right", "fppa_image_deg", 4.0)],
         {"left": 6.5, "right": 9.5}, "knee alignment in the picture: that limit is not drawn here); a dashed line is"),
        ([("left", "fppa_deg", 7.0), ("left", "fppa_deg", 6.5)],
         {"left": 6.5}, "the threshold that held last, of one side where it has its colour."),
        ([], {}, "Cued stances carry a triangle."),
    ],
)  # fmt: skip
def test_chart_draws_only_the_limits_of_what_it_shows(
    server: Server, make_session: MakeSession, store: Store, page: Page,
    cued: list[tuple[str, str, float]], drawn: Message, said: str,
) -> None:  # fmt: skip
    """Whoever has a baseline has two, and the limit of another goal is no angle of the knee."""
    session_id = make_session(n=7)
    for n, (side, metric, threshold) in enumerate(cued):
        cue = {"t_s": 1.0 + n, "side": side, "metric": metric, "value": threshold + 3, "threshold": threshold}
        store.add_cue(session_id, cue)
    page.goto(f"{server.url}/sessions/{session_id}")
    chart = page.locator("[data-chart]")
    expect(chart).to_have_attribute("data-points", "7")
    assert json.loads(chart.get_attribute("data-thresholds") or "") == drawn
    expect(page.locator("[aria-labelledby=chart-h] .hint")).to_contain_text(said)


def test_chart_draws_what_is_in_the_mean(
    server: Server, make_session: MakeSession, store: Store, stances: list[Message], page: Page
) -> None:
    """Neither steps of walking nor a pelvis that is held against another level than the others."""
    session_id = make_session(state="open")
    for n in range(30):
        side, at_s = ("left", "right")[n % 2], 100 + n * 60 / 110
        store.add_stance(session_id, {**stances[0], "side": side, "strike_s": at_s, "toe_off_s": at_s + 0.65})
    page.goto(f"{server.url}/sessions/{session_id}")
    expect(page.locator("[data-chart]")).to_have_attribute("data-points", "55")
    expect(page.locator("main")).to_contain_text("30 steps of walking are in no mean either")
    drawn = page.evaluate("""async (url) => {
        const { drawStances } = await import("/static/js/stance-chart.js");
        const session = await (await fetch(url)).json();
        session.summary = { pelvis_level: "standing" };
        const level = (n) => (n % 5 ? "standing" : "strides");
        session.stances.forEach((s, n) => Object.assign(s, { pelvic_drop_deg: 5, pelvis_level: level(n) }));
        const chart = document.querySelector("[data-chart]");
        return ["pelvic_drop_deg", "fppa_deg"].map((key) => drawStances(chart, session, key, 5));
    }""", f"/api/sessions/{session_id}")
    assert drawn == [44, 55]


def test_gait_cycle_is_drawn_where_enough_strides_are(
    server: Server, make_session: MakeSession, curves: Message, page: Page
) -> None:
    page.goto(f"{server.url}/sessions/{make_session(more={'curves': curves})}")
    drawn = page.locator("[data-cycle]:not([hidden]) canvas")
    expect(drawn).to_have_count(1)
    expect(page.locator("[data-cycle=pelvic_drop_deg]")).to_be_visible()


def test_test_cue_button_reaches_the_device(server: Server, device: Device, page: Page) -> None:
    page.goto(server.url + "/aim")
    page.get_by_role("button", name="Test left").click()
    expect(page.get_by_text("Test cue sent to the left side.")).to_be_visible()
    until_s = time.monotonic() + 10
    while not device.commands and time.monotonic() < until_s:
        time.sleep(0.02)
    assert device.commands == [{"command": "test_cue", "side": "left"}]


UNSTORED = "sessions are not stored: /var/lib/kneeline/kneeline.db is damaged; put a backup in its place; then restart"
STORELESS: Message = {"commands": list(COMMANDS_WITHOUT_STORE), "runner": None}
NOT_STORED: Message = {"message": UNSTORED, "store_fault": UNSTORED, "session_id": None}


@pytest.mark.parametrize("path", ["/", "/?kiosk=1"])
def test_who_runs_is_coached_and_told_the_cause_where_nothing_is_stored(
    server: Server, device: Device, page: Page, path: str
) -> None:
    device.health = STORELESS
    device.changes = {**NOT_STORED, "session_s": 65.0}
    page.goto(server.url + path)
    fault = page.locator("[data-store-fault]")
    expect(fault).to_have_text(sentence(UNSTORED))
    expect(fault).to_have_attribute("data-level", "bad")
    expect(page.locator("[data-banner]")).to_be_hidden()  # it is not said twice
    expect(page.locator("[data-session]")).to_have_text("1:05")
    expect(page.locator("[data-skeleton][data-drawn=yes]")).to_be_visible()
    left = page.locator(".side[data-side=left]")
    for n in range(7):
        device.publish(stance("left", n, fppa_deg=5.0) | {"session_id": None})
    expect(left.locator("[data-value]")).to_have_text("+5.0°")
    device.cue("left")
    expect(left.locator("[data-cue]")).to_be_visible()
    if path == "/":
        expect(page.locator("[data-tests]")).to_be_hidden()
        expect(page.get_by_role("button", name="Calibrate standing")).to_be_visible()
    device.changes = {**NOT_STORED, "session_s": None, "keypoints": None}
    expect(page.locator("[data-session]")).to_have_text("not stored")
    expect(left.locator("[data-spread]")).to_have_text("0 of 7 stances")  # the next one's are not this one's
    expect(page.locator("[data-idle]")).to_be_hidden()
    device.changes |= {"message": "too dark: more light is needed"}
    expect(page.locator("[data-banner]")).to_have_text("Too dark: more light is needed.")
    expect(fault).to_have_text(sentence(UNSTORED))
    device.mute()
    expect(page.locator("[data-banner]")).to_contain_text("The device is silent.")
    expect(fault).to_be_hidden()


def test_what_needs_the_store_says_why_it_cannot_be_done(
    server: Server, device: Device, store: Store, make_session: MakeSession, page: Page
) -> None:
    session_id, (runner_id, _) = make_session(), store.add_runner("Anna Unstored")
    device.health = STORELESS
    device.changes = {**NOT_STORED, "message": "too dark: more light is needed"}
    page.goto(server.url + "/health")
    expect(page.locator("[data-store-fault]")).to_have_text(sentence(UNSTORED))
    page.wait_for_timeout(1500)  # a health message has come, too
    for path, said in (
        ("/runners", "Nobody can be chosen now."),
        (f"/runners/{runner_id}/delete", "Nothing can be deleted now."),
        (f"/sessions/{session_id}/delete", "Nothing can be deleted now."),
        ("/aim", "What is coached cannot be chosen now."),
    ):
        page.goto(server.url + path)
        expect(page.locator(".notice.bad")).to_have_text(f"{said} {sentence(UNSTORED)}")
        assert page.locator("main").get_by_role("button", disabled=False).filter(has_text=NEEDS_STORE).count() == 0


NEEDS_STORE = re.compile("Choose|Add|Delete|anonymously|goal")


def test_result_that_cannot_be_read_is_said(
    server: Server, device: Device, make_session: MakeSession, page: Page
) -> None:
    why = {"error": "k.db is damaged; put a backup in its place."}
    page.route("**/card", lambda route: route.fulfill(status=503, json=why))
    page.goto(server.url)
    page.locator("[data-skeleton][data-drawn=yes]").wait_for()
    device.publish({"type": "session", "session_id": make_session(), "state": "ended"})
    said = f"The session has ended. Its result cannot be read: {why['error']}"
    expect(page.locator("[data-last]")).to_have_text(said)


DARK: Message = {
    "gpio": False,
    "gpio_note": "no GPIO here (Unable to load any default pin factory!): cues are shown on the page only",
}


def test_lights_that_cannot_light_are_not_tested(server: Server, device: Device, page: Page) -> None:
    page.goto(server.url + "/aim")
    button = page.get_by_role("button", name="Test left")
    expect(button).to_be_enabled()
    device.health = DARK
    expect(button).to_be_disabled()
    expect(page.get_by_text(f"Nothing can light or sound: {NO_GPIO}.")).to_be_visible()
    page.reload()
    expect(button).to_be_disabled()


NO_CAMERA: Message = {
    "message": "no camera: there is no camera at /dev/video0; plug one in, or set [camera] device or source",
    "keypoints": None,
    "session_id": None,
    "session_s": None,
    "view": None,
    "model": "",
}


def test_that_there_is_no_camera_is_said_on_every_page_that_needs_one(
    server: Server, device: Device, page: Page
) -> None:
    """In place of what somebody would do about the runner or the light."""
    device.changes, device.health = NO_CAMERA, {"fps": 0.0}
    banner = page.locator("[data-banner]")
    for path in ("/", "/aim", "/health"):
        page.goto(server.url + path)
        expect(banner).to_have_text(sentence(NO_CAMERA["message"]))
        expect(banner).to_have_attribute("data-level", "bad")
        if path == "/":
            expect(page.locator("[data-camera]")).to_have_text("none")
            expect(page.locator("[data-idle]")).to_be_hidden()
    expect(page.locator("[data-key=device]")).to_have_text("live, without a camera")
    expect(page.locator("[data-key=model]")).to_have_text("—")
    page.goto(server.url + "/aim")
    expect(page.locator("[data-advice]")).to_have_text("First the camera: without its pictures nothing is found out.")
    expect(page.locator("[data-checks] li").first).to_be_attached()
    expect(page.locator("[data-checks]")).to_be_hidden()
    device.changes, device.health = {}, {}
    expect(page.locator("[data-checks]")).to_be_visible()
    expect(page.locator("[data-advice]")).to_contain_text("All good.")
    expect(banner).to_be_hidden()


def test_who_is_not_in_view_is_told_what_to_do(server: Server, device: Device, page: Page) -> None:
    device.changes = {"keypoints": None, "message": NOBODY.reason}
    page.goto(server.url)
    expect(page.locator("[data-banner]")).to_have_text("Nobody in view. Step onto the belt, whole in the picture.")


def test_aiming_help_follows_the_runner(server: Server, device: Device, page: Page) -> None:
    page.goto(server.url + "/aim")
    expect(page.locator("[data-advice]")).to_have_text("All good. Leave the camera as it stands.")
    expect(page.locator("[data-checks] [data-key=whole]")).to_have_attribute("data-state", "good")
    device.changes = {"camera": {"azimuth_left_deg": 6.0, "azimuth_right_deg": 9.0, "roll_deg": 0.1,
                                 "state": "approximate", "advice": "Turn the camera 6° to the left"}}  # fmt: skip
    expect(page.locator("[data-advice]")).to_have_text("Turn the camera 6° to the left")
    device.changes |= {"quality": 0.4, "message": "too dark: more light is needed"}
    expect(page.locator("[data-advice]")).to_have_text("Too dark: more light is needed.")
    device.changes = {"state": "testing", "camera": {}}  # whoever squats is not told to keep running
    expect(page.locator("[data-advice]")).to_have_text("Good so far. The rest is found out when somebody runs.")


@pytest.mark.parametrize("azimuth", [1.2, None])
def test_checks_are_not_broken_within_words(server: Server, device: Device, page: Page, azimuth: float | None) -> None:
    """What is seen stands beside what is checked, and must leave room for it."""
    device.changes = {"camera": {**GOOD_CAMERA, "azimuth_left_deg": azimuth, "azimuth_right_deg": azimuth}}
    page.goto(server.url + "/aim")
    names = page.locator("[data-checks] .name")
    expect(page.get_by_text("Distance", exact=True)).to_be_visible()
    for width in (360, 761, 800, 961, 1024, 1280):
        page.set_viewport_size({"width": width, "height": 480})
        broken = names.evaluate_all("""all => all.filter((one) => {
            const range = document.createRange();
            const node = one.firstChild;
            return [...one.textContent.matchAll(/[^ ]+/g)].some((word) => {
                range.setStart(node, word.index);
                range.setEnd(node, word.index + word[0].length);
                return range.getClientRects().length > 1;
            });
        }).map((one) => one.textContent)""")
        assert broken == [], width


def test_checks_that_say_the_same_stay_where_they_are(server: Server, device: Device, page: Page) -> None:
    """Who reads them by a screen reader, or marks them, would lose their place each second."""
    page.goto(server.url + "/aim")
    rows = page.locator("[data-checks] li")
    expect(page.locator("[data-checks] [data-key=azimuth_left] .said")).to_have_text("+1.2°")
    page.locator("[data-checks] [data-key=azimuth_left]").evaluate("row => row.dataset.read = 'yes'")
    device.changes = {"camera": {**GOOD_CAMERA, "azimuth_right_deg": -3.0}}
    expect(page.locator("[data-checks] [data-key=azimuth_right] .said")).to_have_text("−3.0°")
    expect(page.locator("[data-checks] [data-key=azimuth_left]")).to_have_attribute("data-read", "yes")
    device.changes = {"camera": {**GOOD_CAMERA, "moved": True}}
    expect(page.locator("[data-checks] [data-key=moved]")).to_be_visible()
    with page.expect_response("**/api/aim") as told:
        pass
    keys = [check["key"] for check in told.value.json()["checks"]]
    assert rows.evaluate_all("all => all.map((row) => row.dataset.key)") == keys
    device.changes = {"view": "side"}
    expect(page.locator("[data-checks] [data-key=azimuth_left]")).to_have_count(0)


def test_lens_height_is_typed_and_kept(
    server: Server, device: Device, config: Config, store: Store, page: Page
) -> None:
    reader = StoreReader(config.database_path())

    def started() -> Told:
        return Told(Config(), reader.setting(SETTING), lambda height_m: store.set_setting(SETTING, height_m))

    device.told = started()
    page.goto(server.url + "/aim")
    check = page.locator("[data-checks] [data-key=told]")
    expect(check).to_have_attribute("data-state", "warn")
    expect(check).to_contain_text("type below how high the lens is above the belt")
    expect(page.locator("[data-advice]")).to_have_text("The camera stands well. Type below how high its lens is.")
    field = page.get_by_label("straight up from the belt to the lens")
    field.fill("118,5")
    page.get_by_role("button", name="Set height").click()
    expect(page.get_by_text("Lens above the belt: 118.5 cm, kept until another is typed.")).to_be_visible()
    device.told = started()  # as after a power cut
    page.goto(server.url + "/aim")
    expect(field).to_have_value("118.5")
    expect(check).to_contain_text("lens 118.5 cm")
    field.fill("1.185")
    page.get_by_role("button", name="Set height").click()
    expect(page.get_by_text("must be 20 to 300 cm, as 120")).to_be_visible()
    page.goto(server.url + "/aim")
    field.fill("")
    page.get_by_role("button", name="Set height").click()
    expect(page.get_by_text("Lens above the belt: not known.")).to_be_visible()
    assert reader.setting(SETTING) is None


def test_fields_follow_what_another_page_tells_unless_somebody_types(
    server: Server, device: Device, page: Page
) -> None:
    page.goto(server.url + "/aim")
    belt, lens = (page.locator(f"[data-told-{name}]") for name in ("belt", "lens"))
    expect(lens).to_have_value("120")
    lens.fill("13")
    device.told.obey({"command": "set_belt_speed", "belt_speed_m_s": 3.0})
    device.told.obey({"command": "set_camera_height", "camera_height_m": 0.9})
    expect(belt).to_have_value("10.8")
    expect(page.locator("[data-checks] [data-key=told]")).to_contain_text("belt 10.8 km/h, lens 90 cm")
    expect(lens).to_have_value("13")


def test_a_phone_leads_past_a_long_list_to_the_form(server: Server, device: Device, store: Store, page: Page) -> None:
    store.add_runner("")
    page.goto(server.url + "/runners")
    expect(page.get_by_text("Not in the list?")).to_be_hidden()  # the form stands beside the list
    page.set_viewport_size({"width": 390, "height": 500})
    page.get_by_text("Not in the list?").click()
    expect(page.locator("#name")).to_be_in_viewport()


def test_one_of_many_names_is_found_by_typing_some_of_it(server: Server, store: Store, page: Page) -> None:
    added = [store.add_runner(name)[0] for name in ("Ünxal", "Zoëx Meyer", *(f"Of many {n}" for n in range(10)))]
    page.goto(server.url + "/runners")
    find, people = page.get_by_label("Find a name"), page.locator(".people li:visible")
    said, every = page.locator("[data-find] [role=status]"), people.count()
    expect(said).to_have_text("")
    for typed, name in (("unx", "Ünxal"), ("MEY ", "Zoëx Meyer"), ("zoëx", "Zoëx Meyer")):
        find.fill(typed)
        expect(people.locator("b")).to_have_text(name)
        expect(said).to_have_text(f"1 of {every}")
    find.fill("no such name")
    expect(said).to_have_text(f"none of {every}")
    find.fill("")
    expect(people).to_have_count(every)
    for runner_id in added:
        store.delete_runner(runner_id)


def test_what_is_to_be_typed_stands_in_one_line(server: Server, page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(server.url + "/health")
    assert page.locator("code").evaluate_all("all => all.map(one => one.getClientRects().length)") == [1]


@pytest.mark.parametrize("path", ["/", "/sessions", "/runners", "/aim", "/health"])
def test_letters_twice_as_large_leave_a_phone_page_as_wide_as_it_is(server: Server, page: Page, path: str) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(server.url + path)
    page.evaluate("document.documentElement.style.fontSize = '200%'")
    assert page.evaluate("document.documentElement.scrollWidth") == 360


def test_health_page_is_live(server: Server, device: Device, page: Page) -> None:
    page.goto(server.url + "/health")
    expect(page.locator("[data-key=device]")).to_have_text("live")
    expect(page.locator("[data-key=frames]")).to_have_text("900, 2 lost")
    expect(page.locator("[data-key=uptime]")).to_have_text("1:15 min")
    expect(page.locator("[data-key=cue]")).to_have_text("24 / 41 / 55 ms (12 cues)")
    expect(page.locator("[data-key=gpio]")).to_have_text("connected")
    device.health = DARK
    expect(page.locator("[data-key=gpio]")).to_have_text(NO_GPIO)


@pytest.mark.parametrize("width", [360, 1280])
def test_a_long_reason_leaves_room_for_the_rest_of_the_table(
    server: Server, make_session: MakeSession, page: Page, width: int
) -> None:
    why = (
        "The camera looks 17° from aside, too far for angles. Move the camera 93 cm to the left and turn it 12° to the "
        "right (seen from behind it)."
    )
    camera = {**GOOD_CAMERA, "state": "refused", "advice": why}
    missing = {"unavailable": dict.fromkeys(CORRECTED, why)}
    session_id = make_session(camera=camera, frontal=False, more=missing)
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(f"{server.url}/sessions/{session_id}")
    for part in (".scroll", ".tools"):
        assert sideways(page.locator(part)) <= 0, part
    for button in page.locator(".tools > *").all():
        box = button.bounding_box()
        assert box is not None
        assert box["x"] + box["width"] <= width - 10
    if width == 1280:
        head = page.locator(".metrics tbody th").first.bounding_box()
        assert head is not None
        assert head["width"] >= 300


@pytest.mark.parametrize("width", [320, 390, 800, 1280])
def test_nothing_sticks_out_sideways(
    server: Server, device: Device, make_session: MakeSession, store: Store, page: Page, width: int
) -> None:
    """Neither does the longest name, as one word, nor does it cover what stands beside it."""
    name = "W" * (MAX_NAME - len(str(width))) + str(width)  # one box for all widths
    runner_id, _ = store.add_runner(name)
    session_id = make_session(runner_id=runner_id, belt_m_s=(2.5, 3.0))
    make_session(runner_id=runner_id, belt_m_s=(3.0, 3.0), model="movenet-thunder-int8")
    compared, course = f"/sessions/{session_id + 1}", f"/sessions?runner={runner_id}"
    device.health = {"runner": {"id": runner_id, "name": name, "height_cm": None, "goal": None}}
    device.changes = {
        **coached("step_width_leg"),
        **calibration("done", "Calibrated. You can run.", result=CALIBRATED),
        "left": judged("bad", 0.1, 0.07),
    }
    page.set_viewport_size({"width": width, "height": 600})
    device.publish({"type": "session", "session_id": session_id, "state": "ended"})
    result = f"/sessions/{session_id}"
    asks = f"{result}/delete", f"/runners/{runner_id}/delete", f"/runners/{runner_id}/name"
    runners = ("/runners", "/runners?kiosk=1")
    for path in ("/", "/?kiosk=1", "/sessions", *runners, result, compared, course, *asks, "/aim", "/health"):
        page.goto(server.url + path)
        if path in ("/", "/aim"):
            page.locator("[data-skeleton][data-drawn=yes]").wait_for()
        if path == "/":
            expect(page.locator("[data-runner]")).to_have_text(name)
            assert sideways(page.locator("[data-runner]")) <= 0
        if path == "/?kiosk=1":
            expect(page.locator("[data-last]")).to_be_visible()
        if path in ("/sessions", course) and width == 1280:
            assert sideways(page.locator(".scroll")) <= 0
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, path


def test_a_length_keeps_its_unit_in_its_line_on_a_phone(
    server: Server, make_session: MakeSession, store: Store, page: Page
) -> None:
    store.end_session(make_session(), utc_now(ago_s=-95 * 60 - 5))
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(server.url + "/sessions")
    lines = "all => all.map((one) => one.getClientRects().length)"
    assert set(page.locator(".length").evaluate_all(lines)) == {1}


def test_no_table_is_cut_off_at_any_width(
    server: Server, device: Device, make_session: MakeSession, store: Store, page: Page
) -> None:
    """A touchscreen shows no bar where a table could be moved sideways: whoever does not guess it misses its end."""
    runner_id, _ = store.add_runner("Maximiliane Oberhuber")
    device.health = {"runner": {"id": runner_id, "name": "Maximiliane Oberhuber", "height_cm": 172.0, "goal": None}}
    first = make_session(runner_id=runner_id, belt_m_s=(2.5, 3.0))
    last = make_session(runner_id=runner_id, belt_m_s=(3.0, 3.0), model="movenet-thunder-int8", state="interrupted")
    in_picture = make_session(camera={**GOOD_CAMERA, "state": "unknown"}, frontal=False)
    large = {"value": -0.024, "ci95": 0.008, "changed": False}
    wide = {"mean": 0.137, "sd": 0.028, "n": 900, "ci95": 0.008, "trend": {**large, "changed": True}}
    knee = {"mean": -12.3, "sd": 11.4, "n": 900, "ci95": 1.2, "trend": {**large, "changed": True}}
    summary: Message = {side: {"stances": 900, "fppa_deg": knee, "knee_offset_leg": wide} for side in Side}
    summary["asymmetry"] = {"fppa_deg": {**large, "value": -12.4, "changed": True}, "knee_offset_leg": large}
    long = make_session(runner_id=runner_id, belt_m_s=(3.0, 3.0), more=summary)
    store.end_session(long, utc_now(ago_s=-95 * 60 - 5))
    tests = [store_test(store, runner_id=runner_id), store_test(store, Side.RIGHT)]
    tables = {"/sessions": 1, f"/sessions?runner={runner_id}": 1, "/runners": 0, "/health": 0}
    tables |= {f"/sessions/{session_id}": 1 for session_id in (first, in_picture, *tests)}
    tables |= {f"/sessions/{session_id}": 2 for session_id in (last, long)}
    for path, count in tables.items():
        page.goto(server.url + path)
        expect(page.locator("table")).to_have_count(count)
        for width in (390, 761, 768, 800, 900, 961, 1001, 1024, 1100, 1261, 1280):
            page.set_viewport_size({"width": width, "height": 480})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (path, width)
            for box in page.locator(".scroll").all():
                assert sideways(box) <= 0, (path, width)


def sideways(part: Locator) -> int:
    """How far its content reaches beyond it, px."""
    found: int = part.evaluate("one => one.scrollWidth - one.clientWidth")
    return found


def test_a_mean_and_its_spread_stand_in_one_line(server: Server, make_session: MakeSession, page: Page) -> None:
    hip = {"mean": -12.2, "sd": 10.9, "n": 28, "ci95": 0.4, "trend": None}
    legs = {str(side): {"stances": 28, "hip_extension_deg": hip} for side in Side}
    page.goto(f"{server.url}/sessions/{make_session(view='side', frontal=False, more=legs)}")
    for width in (320, 390, 640, 800):  # 640: a desk's screen at 200 %
        page.set_viewport_size({"width": width, "height": 480})
        lines = page.locator(".half b").evaluate_all("""all => all.map((one) => {
            const range = document.createRange();
            range.selectNodeContents(one);
            return new Set([...range.getClientRects()].map((part) => part.top)).size;
        })""")
        assert set(lines) == {1}, width


@pytest.mark.parametrize("of_one", [False, True], ids=["all sessions", "one runner's"])
def test_a_phone_shows_both_knees_of_a_listed_session_side_by_side(
    server: Server, make_session: MakeSession, store: Store, page: Page, of_one: bool
) -> None:
    runner_id = store.add_runner("")[0] if of_one else None
    make_session(runner_id=runner_id)
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(server.url + (f"/sessions?runner={runner_id}" if of_one else "/sessions"))
    left, right = (page.locator(f"tbody tr >> nth=0 >> td[data-label='{side} knee']") for side in ("Left", "Right"))
    first, second = left.bounding_box(), right.bounding_box()
    assert first is not None
    assert second is not None
    assert first["y"] == second["y"]
    assert first["x"] < second["x"]


def test_another_run_to_compare_with_is_chosen_without_scripts(
    server: Server, browser: Browser, make_session: MakeSession, store: Store
) -> None:
    runner_id, _ = store.add_runner("")
    first, before, now = (make_session(runner_id=runner_id) for _ in range(3))
    with closing(browser.new_context(java_script_enabled=False)) as context:
        page = context.new_page()
        page.goto(f"{server.url}/sessions?runner={runner_id}")
        page.locator(f"a[href='/sessions/{now}']").click()
        expect(page.locator(f"#compared-h a[href='/sessions/{before}']")).to_be_visible()
        page.get_by_label("Compare with").select_option(str(first))
        page.get_by_role("button", name="Compare").click()
        expect(page.locator(f"#compared-h a[href='/sessions/{first}']")).to_be_in_viewport()
        assert page.url == f"{server.url}/sessions/{now}?with={first}#compared-h"


def test_kiosk_fits_its_screen(server: Server, device: Device, page: Page) -> None:
    page.goto(server.url + "/?kiosk=1")
    page.locator("[data-skeleton][data-drawn=yes]").wait_for()
    assert page.evaluate("document.documentElement.scrollHeight") <= 600
    for side in ("left", "right"):
        box = page.locator(f".side[data-side={side}] [data-value]").bounding_box()
        assert box is not None
        assert box["height"] >= 50  # about 1 cm on a 10-inch screen: read from 3 m


@pytest.mark.parametrize("said", [None, UNSTORED])
def test_a_small_kiosk_shows_all_of_it(server: Server, device: Device, page: Page, said: str | None) -> None:
    page.set_viewport_size({"width": 800, "height": 480})
    device.publish({"type": "session", "session_id": 1, "state": "started"})  # no result is to be shown
    words = asdict(in_words(SESSIONS[1], 1000.0, Adherence(on=10, on_within=9, off=10, off_within=7)))
    programme = coached("step_width_leg", "programme", programme={"session": 2, "words": words})
    nobody = {"keypoints": None, "session_id": None, "session_s": None}
    for changes in ({}, nobody, coached("step_width_leg"), programme):
        device.changes = {"message": said and "too dark: more light is needed", "store_fault": said, **changes}
        page.goto(server.url_by_name + "/?kiosk=1")
        expect(page.locator("[data-camera]")).to_have_text("position known")
        page.wait_for_timeout(1500)  # with its health
        assert page.evaluate("document.documentElement.scrollHeight") <= 480, changes
        assert lowest(page.locator("[data-sound]")) <= 480


@pytest.mark.parametrize(("width", "height"), [(1024, 600), (1280, 720)])
def test_a_long_message_cuts_nothing_off_on_the_kiosk(
    server: Server, device: Device, page: Page, width: int, height: int
) -> None:
    page.set_viewport_size({"width": width, "height": height})
    device.changes = {"message": lost_words(0.31)}
    page.goto(server.url_by_name + "/?kiosk=1")
    expect(page.locator("[data-banner]")).to_contain_text("are lost")
    expect(page.locator("[data-camera]")).to_have_text("position known")
    assert page.evaluate("document.documentElement.scrollHeight") <= height


#: All of one moment.
_KIOSK_BOXES = """() => {
    const all = (name) => [...document.querySelectorAll(name)].map((one) => one.getBoundingClientRect().toJSON());
    return {card: all("[data-last]")[0], texts: all(".side [data-state-text]"), frames: all(".side")};
}"""


@pytest.mark.parametrize("phones", [True, False])
@pytest.mark.parametrize("height", [480, 600, 800])
def test_result_covers_nothing_on_the_kiosk(
    server: Server, device: Device, make_session: MakeSession, page: Page, height: int, phones: bool
) -> None:
    session_id = make_session()
    page.set_viewport_size({"width": {480: 800, 600: 1024, 800: 1280}[height], "height": height})
    page.goto((server.url_by_name if phones else server.url) + "/?kiosk=1")
    page.locator("[data-skeleton][data-drawn=yes]").wait_for()
    device.changes = {"session_id": None, "session_s": None, "camera": {**GOOD_CAMERA, "state": "unknown"}}
    expect(page.locator("[data-session]")).to_have_text("ended")  # what is told before is forgotten with the session
    for side in ("left", "right"):
        device.publish(stance(side, 0, fppa_deg=None, fppa_image_deg=15.0))
    expect(page.locator(".side[data-side=left] [data-state-text]")).to_have_text("camera not known yet")
    device.publish({"type": "session", "session_id": session_id, "state": "ended"})
    expect(page.locator("[data-last]")).to_be_visible()
    expect(page.locator("[data-last] .qr")).to_be_visible(visible=phones)
    banner, store_fault = page.locator("[data-banner]"), page.locator("[data-store-fault]")
    wrong = "no camera: the camera gives no pictures any more; check its cable, it is tried again"
    for said, fault in ((None, None), (wrong, None), (wrong, UNSTORED)):
        device.changes |= {"message": said, "store_fault": fault}
        expect(banner).to_be_visible(visible=said is not None)
        expect(store_fault).to_be_visible(visible=fault is not None)
        told = page.evaluate(_KIOSK_BOXES)
        assert told["card"]["bottom"] <= height
        for text, frame in zip(told["texts"], told["frames"], strict=True):
            assert text["bottom"] <= frame["bottom"] <= told["card"]["top"]


def test_sound_is_off_until_asked_for(server: Server, device: Device, page: Page) -> None:
    page.goto(server.url)
    button = page.locator("[data-sound]")
    expect(button).to_have_attribute("aria-pressed", "false")
    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")
    expect(button).to_have_text("Sound on")
    page.reload()
    expect(button).to_have_attribute("aria-pressed", "true")


def test_a_browser_that_keeps_nothing_shows_the_live_page_all_the_same(
    server: Server, device: Device, page: Page
) -> None:
    """As where its owner has forbidden all cookies and what else a page may leave there."""
    page.add_init_script("""
        Object.defineProperty(window, "localStorage", { get() { throw new DOMException("no", "SecurityError"); } });
    """)
    page.goto(server.url)
    expect(page.locator("[data-link]")).to_have_text("live")
    button = page.locator("[data-sound]")
    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")


def test_a_hidden_page_does_not_beat_on(server: Server, device: Device, page: Page) -> None:
    """It has no stream: the pace of who has run for long would be heard from a tab in the back."""
    page.add_init_script("""
        const start = OscillatorNode.prototype.start;
        OscillatorNode.prototype.start = function (...when) {
            document.documentElement.dataset.beats = Number(document.documentElement.dataset.beats ?? 0) + 1;
            start.apply(this, when);
        };
    """)
    page.add_init_script(HIDING)
    root = page.locator("html")
    device.changes = coached("cadence_spm", metronome_spm=240)
    page.goto(server.url)
    page.locator("[data-sound]").click()
    expect(root).to_have_attribute("data-beats", re.compile("[1-9]"))
    page.evaluate("hide(true)")
    before = root.get_attribute("data-beats") or ""
    page.wait_for_timeout(1500)
    assert root.get_attribute("data-beats") == before
    page.evaluate("hide(false)")
    expect(root).not_to_have_attribute("data-beats", before)


PASSWORD = "hip over knee"


@pytest.fixture
def locked(config: Config) -> Iterator[None]:
    set_password(password_path(config), PASSWORD)
    yield
    remove_password(password_path(config))


@pytest.mark.usefixtures("locked")
def test_signing_in_and_out(server: Server, make_session: MakeSession, page: Page) -> None:
    session_id = make_session()
    page.goto(server.url)
    page.get_by_role("link", name="Sessions").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    field = page.get_by_label("Password")
    expect(field).to_be_focused()
    field.fill("knee over hip")
    field.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("This is not the password.")
    expect(field).to_have_value("")
    field.fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(f"{server.url}/sessions")
    page.locator(f"a[href='/sessions/{session_id}']").click()
    expect(page.locator("[data-chart]")).to_have_attribute("data-points", "55")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("You are signed out.")).to_be_visible()
    page.goto(f"{server.url}/sessions/{session_id}")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


@pytest.mark.usefixtures("locked")
def test_result_is_shown_on_the_own_screen_and_others_are_led_to_the_sign_in(
    server: Server, device: Device, make_session: MakeSession, page: Page
) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    last = page.locator("[data-last]")
    for address, shown in ((None, True), ("192.168.1.50", False)):
        page.set_extra_http_headers({} if address is None else {"X-Forwarded-For": address})
        page.goto("about:blank")  # what the page before asks for ends here
        asked.clear()
        page.goto(server.url)
        page.locator("[data-skeleton][data-drawn=yes]").wait_for()
        session_id = make_session()
        device.publish({"type": "session", "session_id": session_id, "state": "ended"})
        expect(last).to_contain_text("55 stances" if shown else "The session has ended.")
        assert any(url.endswith("/card") for url in asked) is shown
    page.get_by_role("link", name="Sign in to see the result").click()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("Password").press("Enter")
    expect(page).to_have_url(f"{server.url}/sessions/{session_id}")
    expect(page.get_by_role("heading", name=f"Session {session_id}")).to_be_visible()


@pytest.mark.usefixtures("locked")
@pytest.mark.parametrize("polls", [False, True])
def test_lengths_are_told_without_centimetres_to_those_who_may_not_know_the_height(
    server: Server, device: Device, page: Page, polls: bool
) -> None:
    page.set_extra_http_headers({"X-Forwarded-For": "192.168.1.50"})
    if polls:
        page.route("**/api/events", lambda route: route.fulfill(status=503, body="{}"))
    device.changes = {
        **coached("step_width_leg"),
        **calibration("done", "Calibrated. You can run.", result=CALIBRATED),
        "left": judged("good", 0.1, 0.07, 8.4),
    }
    page.goto(server.url)
    expect(page.locator("[data-banner]")).to_have_text("Calibrated. You can run. Leg length 161 px.")
    left = page.locator(".side[data-side=left]")
    expect(left.locator("[data-goal-value]")).to_have_text("Step width 0.100 leg lengths at least 0.070 leg lengths")
    device.publish({"type": "cue", "session_id": 1, "t_s": 8.3, "side": "left", "metric": "step_width_leg",
                    "value": 0.02, "threshold": 0.07, "value_cm": 1.7, "threshold_cm": 5.9})  # fmt: skip
    expect(left.locator("[data-cue]")).to_contain_text("0.020 leg lengths · at least 0.070 leg lengths")


@pytest.mark.usefixtures("locked")
def test_an_open_live_page_notices_the_sign_in_on_another_tab(server: Server, device: Device, page: Page) -> None:
    page.goto(server.url)
    page.locator("[data-skeleton][data-drawn=yes]").wait_for()
    other = page.context.new_page()
    other.goto(server.url + "/sign-in?next=/sessions")
    other.get_by_label("Password").fill(PASSWORD)
    other.get_by_label("Password").press("Enter")
    expect(other.get_by_role("button", name="Sign out")).to_be_visible()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    other.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("link", name="Sign in")).to_be_visible()


def test_open_pages_follow_the_password(server: Server, device: Device, config: Config, page: Page) -> None:
    """The kiosk stays, with nothing to tap that would ask for a password; a page that needs one leads to it."""
    device.changes = {"keypoints": None, "state": "waiting"}
    page.goto(server.url + "/?kiosk=1")
    idle = page.locator("[data-idle]")
    expect(idle).to_contain_text("Tap here")
    try:
        set_password(password_path(config), PASSWORD)
        expect(idle).to_contain_text("ask the staff")
        expect(page.locator("[data-link]")).to_have_text("live")
        remove_password(password_path(config))
        expect(idle).to_contain_text("Tap here")
        page.goto(server.url + "/aim")
        expect(page.get_by_role("button", name="Test left")).to_be_visible()
        set_password(password_path(config), PASSWORD)
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    finally:
        remove_password(password_path(config))


@pytest.mark.usefixtures("locked")
@pytest.mark.parametrize("width", [360, 1024])
def test_sign_in_fits_sideways(server: Server, page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 600})
    for _ in range(2):
        for path in ("/", "/sign-in?next=/health", "/health"):
            page.goto(server.url + path)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        page.goto(server.url + "/sign-in?next=/health")
        if page.get_by_label("Password").is_visible():
            page.get_by_label("Password").fill(PASSWORD)
            page.get_by_label("Password").press("Enter")
            expect(page.get_by_role("button", name="Sign out")).to_be_visible()


def test_reduced_motion_and_light_scheme_are_obeyed(server: Server, device: Device, page: Page) -> None:
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    page.goto(server.url)
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(243, 246, 247)"
    page.locator("[data-skeleton][data-drawn=yes]").wait_for()
    device.cue("left")
    cue = page.locator(".side[data-side=left] [data-cue]")
    expect(cue).to_be_visible()
    assert cue.evaluate("element => getComputedStyle(element).animationName") == "none"


def test_keyboard_reaches_everything_first_the_content(server: Server, page: Page) -> None:
    page.goto(server.url)
    page.keyboard.press("Tab")
    with_focus = page.locator(":focus")
    expect(with_focus).to_have_text("Skip to the content")
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    with pytest.raises(Error):
        page.locator("[data-skeleton][data-drawn=yes]").wait_for(timeout=200)


def amid_a_test(**changes: object) -> Message:
    """The changes of a live message while a squat test runs."""
    block = {"name": "squat test", "state": "running", "age_s": 0.0, "ready": False, "reps": 0, "of": 5, "left_s": 44}
    block |= {"message": "Nobody is seen: stand before the camera, whole in the picture.", **changes}
    return {"state": "testing", "session_id": None, "session_s": None, "screening": block}


@pytest.mark.parametrize(("width", "height"), [(390, 844), (1280, 800)])
def test_a_squat_test_from_the_form_to_the_result(
    server: Server, device: Device, store: Store, page: Page, width: int, height: int
) -> None:
    session_id = store_test(store)
    page.set_viewport_size({"width": width, "height": height})
    page.goto(server.url)
    panel, form = page.locator("[data-test]"), page.locator("[data-tests]")
    expect(form).to_be_visible()
    expect(panel).to_be_hidden()
    page.get_by_label("Test instead of running").select_option("Squat test")
    device.refusal = "A test is made already (squat test): finish or cancel it first."
    form.get_by_role("button", name="Start").click()
    expect(page.locator("[data-banner]")).to_have_text(device.refusal)
    device.refusal = None
    form.get_by_role("button", name="Start").dblclick()  # asks once
    expect(page.locator("[data-banner]")).to_be_hidden()
    assert [(c["exercise"], c["side"]) for c in device.commands] == [("squat", None)] * 2
    device.changes = amid_a_test()
    expect(panel).to_contain_text("Nobody is seen")
    expect(panel).to_contain_text("0 of 5 repetitions")
    expect(form).to_be_hidden()
    for of_a_run in ("[data-cadence]", "[data-session]", "[data-goal]", "[data-camera]"):
        expect(page.locator(of_a_run)).to_be_hidden()
    expect(page.locator(".side[data-side=left]")).to_be_hidden()
    finish = panel.get_by_role("button", name="Finish with these")
    expect(finish).to_be_disabled()
    device.changes = amid_a_test(ready=True, reps=3, left_s=12, message="2 more, at your own pace.")
    expect(panel).to_contain_text("3 of 5 repetitions")
    expect(panel).to_contain_text("Ends by itself in 12 s without another repetition.")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    finish.click()
    panel.get_by_role("button", name="Cancel").click()
    device.changes = amid_a_test(state="done", reps=3, message="Done: 3 of 5 repetitions.")
    device.publish({"type": "session", "session_id": session_id, "state": "ended"})
    expect(page.locator("[data-banner]")).to_have_text("Squat test. Done: 3 of 5 repetitions.")
    expect(panel).to_be_hidden()
    expect(form).to_be_visible()
    last = page.locator("[data-last]")
    expect(last.get_by_text("Right knee inward in 1 of 5")).to_be_in_viewport()
    expect(last).to_contain_text("no medical device")
    assert [c["command"] for c in device.commands[2:]] == ["finish_screening", "cancel_screening"]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    last.get_by_role("link", name="See the whole result").click()
    expect(page.get_by_role("heading", name="Squat test")).to_be_visible()
    page.wait_for_load_state("networkidle")  # the repetitions are drawn
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("width", [390, 800])
def test_result_of_a_test_comes_first_and_nothing_of_a_run_with_it(
    server: Server, device: Device, make_session: MakeSession, store: Store, page: Page, width: int
) -> None:
    run_id, test_id = make_session(), store_test(store)
    page.set_viewport_size({"width": width, "height": 480})
    device.changes = {"session_id": run_id}
    page.goto(server.url)
    last, picture = page.locator("[data-last]"), page.locator(".picture")
    of_a_run = [".side[data-side=left]", ".side[data-side=right]", "[data-cadence]", "[data-session]", "[data-goal]"]
    for one in of_a_run:
        expect(page.locator(one)).to_be_visible()
    device.changes = amid_a_test()
    expect(page.locator("[data-test]")).to_be_visible()
    with page.expect_response(f"**/sessions/{run_id}/card"):  # the run that made way for the test
        device.publish({"type": "session", "session_id": run_id, "state": "ended"})
    expect(last).to_contain_text(f"Session {run_id}")
    expect(last).to_be_hidden()
    device.changes = amid_a_test(state="done", reps=5, message="Done: 5 of 5 repetitions.")
    device.publish({"type": "session", "session_id": test_id, "state": "ended"})
    expect(last).to_contain_text("Squat test")
    expect(page.locator("[data-tests]")).to_be_visible()
    assert lowest(last) <= top(picture)
    for one in of_a_run:
        expect(page.locator(one)).to_be_hidden()
    device.changes = {"session_id": test_id + 1, "session_s": 3.0}
    expect(last).to_be_hidden()
    for one in of_a_run:
        expect(page.locator(one)).to_be_visible()
    device.publish({"type": "session", "session_id": run_id, "state": "ended"})
    expect(last).to_contain_text(f"Session {run_id}")
    assert lowest(page.locator("[data-goal]")) <= top(last)  # the gauges of who runs on stay where they are


def test_calibration_and_test_do_not_contradict_each_other(server: Server, device: Device, page: Page) -> None:
    """While a test is made nothing is calibrated; after it the banner tells what was asked for last."""
    page.goto(server.url)
    button, banner = page.get_by_role("button", name="Calibrate standing"), page.locator("[data-banner]")
    expect(button).to_be_visible()
    device.changes = amid_a_test()
    expect(button).to_be_hidden()
    done = amid_a_test(state="done", age_s=5.0, reps=3, message="Done: 3 of 5 repetitions.")
    device.changes = {**done, **calibration("failed", "Not calibrated. A test is made now.", age_s=7.0)}
    expect(banner).to_have_text("Squat test. Done: 3 of 5 repetitions.")
    expect(button).to_be_visible()
    device.changes = {**done, **calibration("running", "Stand still on straight legs.", age_s=1.0)}
    expect(banner).to_have_text("Standing calibration. Stand still on straight legs.")
    failed = calibration("failed", "Not calibrated. You are moving: stop the belt.", age_s=2.0)
    for begun in (amid_a_test(), {"session_id": 7, "session_s": 1.0}):
        device.changes = {"session_id": 6, "session_s": 60.0, **failed}
        expect(banner).to_have_text("Not calibrated. You are moving: stop the belt.")
        device.changes = {**failed, **begun}
        expect(banner).to_be_hidden()
    device.changes = amid_a_test()
    page.goto(server.url + "/aim")
    page.locator("[data-skeleton][data-drawn=yes]").wait_for()
    page.get_by_role("button", name="Calibrate standing").click()
    expect(page.get_by_text("Not calibrated. A test is made now: finish or cancel it first")).to_be_visible()
    assert device.commands == []


@pytest.mark.parametrize(("width", "height"), [(800, 480), (1024, 600), (1280, 800)])
def test_the_kiosk_shows_a_test_and_its_result_whole(
    server: Server, device: Device, store: Store, page: Page, width: int, height: int
) -> None:
    earlier, session_id = (store_test(store, Side.RIGHT) for _ in range(2))
    device.publish({"type": "session", "session_id": earlier, "state": "ended"})
    page.set_viewport_size({"width": width, "height": height})
    page.goto(server.url_by_name + "/?kiosk=1")
    expect(page.locator("[data-last]")).to_be_visible()
    device.changes = amid_a_test(message=instruction(Exercise.STEP_DOWN, Side.RIGHT, camera_told=False))
    assert lowest(page.locator("[data-test]")) <= height
    device.changes = amid_a_test(state="done", reps=5, message="Done: 5 of 5 repetitions.")
    expect(page.locator("[data-test]")).to_be_hidden()
    device.publish({"type": "session", "session_id": session_id, "state": "ended"})
    assert lowest(page.locator("[data-last]")) <= height
    heads = [top(head) for head in page.locator("[data-last] .headline").all()]
    assert len(set(heads)) == 1, "side by side"
    expect(page.locator(".side[data-side=left]")).to_be_hidden()  # nobody runs


def lowest(shown: Locator) -> float:
    """The lower edge of what is shown, pixels."""
    expect(shown).to_be_visible()
    box = shown.bounding_box()
    assert box is not None
    return box["y"] + box["height"]


def top(shown: Locator) -> float:
    """Its upper edge, pixels."""
    box = shown.bounding_box()
    assert box is not None
    return box["y"]


@pytest.mark.usefixtures("locked")
def test_a_test_is_shown_to_all_and_made_by_who_is_signed_in(server: Server, device: Device, page: Page) -> None:
    page.set_extra_http_headers({"X-Forwarded-For": "192.168.1.50"})
    device.changes = amid_a_test()
    page.goto(server.url)
    panel = page.locator("[data-test]")
    expect(panel).to_contain_text("Nobody is seen")
    expect(panel.get_by_role("button")).to_have_count(0)
    expect(page.locator("[data-tests]")).to_have_count(0)
    answer = page.request.post(server.url + "/device/screening", form={"test": "squat"}, max_redirects=0)
    assert answer.status == 401
    assert device.commands == []


def test_a_name_from_right_to_left_draws_no_number_to_its_other_side(
    server: Server, make_session: MakeSession, store: Store, page: Page
) -> None:
    """Without isolation "שרה · 12 min" is drawn as "12 · שרה min": the number joins the name's direction."""
    runner_id, name = store.add_runner("שרה כהן")
    run, test = make_session(20, runner_id=runner_id), store_test(store, Side.RIGHT, runner_id=runner_id)
    edges = """name => {
        const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
        const edges = (node, from, to) => {
            const range = document.createRange();
            range.setStart(node, from);
            range.setEnd(node, to);
            return range.getBoundingClientRect();
        };
        while (texts.nextNode()?.data.trim() !== name);
        const end = edges(texts.currentNode, 0, texts.currentNode.length).right;
        while (!/[0-9]/.test(texts.nextNode().data));
        const at = texts.currentNode.data.search(/[0-9]/);
        return [end, edges(texts.currentNode, at, at + 1).left];
    }"""
    for path in (f"/sessions/{run}", f"/sessions/{test}", f"/sessions/{run}/delete", f"/sessions/{test}/card"):
        page.goto(server.url + path)
        name_ends, number_begins = page.evaluate(edges, name)
        assert number_begins > name_ends, path
