"""Commands go from a form to the device over the real socket, and only with a token."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from device.config import CAMERA_HEIGHT_M, CameraConfig, Config, TreadmillConfig, parse_config
from device.live import LivePublisher, Message
from device.told import Told
from web.app import MAX_BODY_BYTES, close_app, create_app
from web.hub import NO_GPIO, LiveHub
from web.mistyped import typed_number

Eventually = Callable[..., None]


def token(client: FlaskClient) -> str:
    found = re.search(r'name="csrf-token" content="([^"]+)"', client.get("/aim").text)
    assert found is not None
    return found[1]


@pytest.fixture
def device(
    publisher: LivePublisher, hub: LiveHub, health: Callable[..., Message], eventually: Eventually
) -> LivePublisher:
    """A device that is heard."""
    publisher.publish(health())
    eventually(lambda: hub.status()["device"] == "live", "the device")
    return publisher


@pytest.mark.parametrize(
    ("path", "form", "command"),
    [
        ("test-cue", {"side": "left"}, {"command": "test_cue", "side": "left"}),
        ("test-cue", {"side": "right"}, {"command": "test_cue", "side": "right"}),
        ("calibrate", {}, {"command": "calibrate"}),
    ],
)
def test_command_reaches_the_device(
    device: LivePublisher,
    client: FlaskClient,
    commands: list[Message],
    eventually: Eventually,
    path: str,
    form: dict[str, str],
    command: Message,
) -> None:
    answer = client.post(f"/device/{path}", data={**form, "csrf_token": token(client)}, follow_redirects=True)
    assert answer.status_code == 200
    assert 'class="notice good"' in answer.text
    eventually(lambda: commands == [command], "the command")


@pytest.fixture
def settings() -> Config:
    """Those of the device that is told something."""
    return Config()


@pytest.fixture
def told(
    config: Config, settings: Config, hub: LiveHub, health: Callable[..., Message], eventually: Eventually
) -> Iterator[Told]:
    """What a device was told that obeys at once, as the real one does."""
    known = Told(settings, None, lambda _: None)

    def obey(command: Message) -> None:
        assert known.obey(command)
        told_to.publish(health(**known.as_json()))

    with LivePublisher(config.socket_path(), obey) as told_to:
        told_to.publish(health(**known.as_json()))
        eventually(lambda: hub.status()["device"] == "live", "the device")
        yield known


def shown(client: FlaskClient, name: str) -> str:
    """What a field of the page holds."""
    found = re.search(rf'name="{name}"[^>]* value="([^"]*)"', client.get("/aim").text)
    assert found is not None
    return found[1]


def test_belt_speed_is_told_shown_and_taken_back(told: Told, client: FlaskClient) -> None:
    for text, speed_m_s, said in (("9", 2.5, "9.0"), ("10,8", 3.0, "10.8"), (" ", None, "")):
        form = {"belt_speed_km_h": text, "csrf_token": token(client)}
        answer = client.post("/device/belt-speed", data=form, follow_redirects=True)
        assert f"Belt speed: {f'{said} km/h' if said else 'unknown'}." in answer.text
        assert told.belt_m_s == speed_m_s
        assert shown(client, "belt_speed_km_h") == said


def test_lens_height_is_told_shown_and_taken_back(told: Told, client: FlaskClient) -> None:
    assert "Empty for unknown.</label>" in client.get("/aim").text
    for text, height_m, said in (("120", 1.2, "120"), ("95,5", 0.955, "95.5"), ("", None, "")):
        form = {"camera_height_cm": text, "csrf_token": token(client)}
        answer = client.post("/device/camera-height", data=form, follow_redirects=True)
        words = f"{said} cm, kept until another is typed" if said else "not known"
        assert f"Lens above the belt: {words}." in answer.text
        assert told.camera_m == height_m
        assert shown(client, "camera_height_cm") == said


@pytest.mark.parametrize("settings", [parse_config({"camera": {"height_m": 1.1}})])
def test_lens_height_that_is_taken_back_is_that_of_the_settings(told: Told, client: FlaskClient) -> None:
    for text, height_m, said in (("120", 1.2, "120 cm, kept until"), ("", 1.1, "110 cm, as the settings say")):
        form = {"camera_height_cm": text, "csrf_token": token(client)}
        answer = client.post("/device/camera-height", data=form, follow_redirects=True)
        assert f"Lens above the belt: {said}" in answer.text
        assert told.camera_m == height_m
    assert shown(client, "camera_height_cm") == ""


def test_page_says_what_the_settings_hold_of_the_lens(config: Config) -> None:
    app = create_app(config.model_copy(update={"camera": CameraConfig(height_m=1.1)}))
    assert "Empty for 110 cm, as the settings say." in app.test_client().get("/aim").text
    close_app(app)


@pytest.mark.parametrize(
    ("belt_m_s", "words"),
    [
        (2.5, "forgotten after 10 minutes without a step; after that 9.0 km/h, as the settings say. Type"),
        (None, "It holds for this run or the next, and is forgotten after 10 minutes without a step. Type"),
    ],
)
def test_page_says_for_how_long_the_belts_speed_holds(config: Config, belt_m_s: float | None, words: str) -> None:
    app = create_app(config.model_copy(update={"treadmill": TreadmillConfig(belt_speed_m_s=belt_m_s)}))
    assert words in app.test_client().get("/aim").text
    close_app(app)


def test_without_token_nothing_is_sent(device: LivePublisher, client: FlaskClient, commands: list[Message]) -> None:
    answer = client.post("/device/test-cue", data={"side": "left"})
    assert answer.status_code == 400
    assert "out of date" in answer.text
    kept_none = client.application.test_client(use_cookies=False)
    assert "keeps no cookies" in kept_none.post("/device/calibrate").text
    assert ("keeps no cookies" in answer.text) is (client.get_cookie("session") is None)
    assert commands == []


def test_a_form_that_is_too_large_is_refused(client: FlaskClient) -> None:
    form = {"side": "left", "csrf_token": token(client), "more": "x" * MAX_BODY_BYTES}
    for path in ("/device/test-cue", "/runners", "/sign-in"):
        answer = client.post(path, data=form)
        assert answer.status_code == 413
        assert 'class="notice bad">More was sent than is read here: 64 KiB at most.' in answer.text
        said = client.post(path, data=form, headers={"Accept": "application/json"})
        assert said.status_code == 413
        assert said.get_json() == {"error": "More was sent than is read here: 64 KiB at most."}


def test_cue_that_nothing_can_give_is_not_said_to_be_sent(
    publisher: LivePublisher, client: FlaskClient, hub: LiveHub, health: Callable[..., Message], eventually: Eventually
) -> None:
    off, raw = "switched off by [cues] enabled = false", "no GPIO here (Unable to load any pin factory!): see the page"
    for note, why in ((off, off), (raw, NO_GPIO)):
        publisher.publish(health(gpio=False, gpio_note=note))
        eventually(lambda why=why: hub.dark() == why, "the device")
        form = {"side": "left", "csrf_token": token(client)}
        page = client.post("/device/test-cue", data=form, follow_redirects=True).text
        assert f'class="notice bad" role="status">Nothing can light or sound: {why}.' in page
        assert page.count("data-test-cue disabled") == 2


def test_token_of_a_script_goes_in_a_header(
    device: LivePublisher, client: FlaskClient, commands: list[Message], eventually: Eventually
) -> None:
    headers = {"X-CSRFToken": token(client), "Accept": "application/json"}
    answer = client.post("/device/test-cue", data={"side": "right"}, headers=headers)
    assert answer.get_json() == {"sent": True, "message": "Test cue sent to the right side."}
    eventually(lambda: len(commands) == 1, "the command")


@pytest.mark.parametrize("typed", ["20", "300"])
def test_the_least_and_the_most_that_are_named_may_be_typed(app: Flask, typed: str) -> None:
    with app.test_request_context(method="POST", data={"height": typed}):
        assert typed_number("lens-height", "height", 100, CAMERA_HEIGHT_M, "cm", "or empty") == float(typed) / 100


@pytest.mark.parametrize("typed", ["12.6", " 12,6 km/h", "12.6KM/H "])
def test_unit_may_be_typed_behind_a_number(app: Flask, typed: str) -> None:
    """"'12.6 km/h' must be 1.1 to 36 km/h" helps nobody."""
    with app.test_request_context(method="POST", data={"speed": typed}):
        assert typed_number("belt-speed", "speed", 3.6, (0.3, 10.0), "km/h", "or empty") == 3.5


@pytest.mark.parametrize(
    ("path", "form", "said"),
    [
        ("test-cue", {"side": "both"}, "must be left or right"),
        ("test-cue", {}, "must be left or right"),
        ("belt-speed", {"belt_speed_km_h": "fast"}, "must be 1.1 to 36 km/h"),
        ("belt-speed", {"belt_speed_km_h": "0"}, "must be 1.1 to 36 km/h"),
        ("belt-speed", {"belt_speed_km_h": "nan"}, "must be 1.1 to 36 km/h"),
        ("belt-speed", {"belt_speed_km_h": "37"}, "must be 1.1 to 36 km/h"),
        ("camera-height", {"camera_height_cm": "19,9"}, "must be 20 to 300 cm, as 120, or empty"),
        ("camera-height", {"camera_height_cm": "1.2"}, "must be 20 to 300 cm, as 120, or empty"),
        ("camera-height", {"camera_height_cm": "301"}, "must be 20 to 300 cm, as 120, or empty"),
        ("camera-height", {"camera_height_cm": "high"}, "must be 20 to 300 cm, as 120, or empty"),
        ("camera-height", {"camera_height_cm": "nan"}, "must be 20 to 300 cm, as 120, or empty"),
    ],
)
def test_wrong_values_are_refused_with_the_reason(
    device: LivePublisher, client: FlaskClient, commands: list[Message], path: str, form: dict[str, str], said: str
) -> None:
    answer = client.post(f"/device/{path}", data={**form, "csrf_token": token(client)})
    assert answer.status_code == 400
    assert said in answer.text
    assert commands == []


@pytest.mark.parametrize(
    ("path", "name", "field"),
    [("belt-speed", "belt_speed_km_h", "belt-speed"), ("camera-height", "camera_height_cm", "lens-height")],
)
def test_what_was_mistyped_stays_in_its_field_with_the_reason(
    device: LivePublisher, client: FlaskClient, path: str, name: str, field: str
) -> None:
    form = {name: "1000 <b>", "csrf_token": token(client)}
    answer = client.post(f"/device/{path}", data=form)
    assert answer.status_code == 400
    assert "Set up the camera" in answer.text
    assert re.search(rf'id="{field}-said" role="alert">&#39;1000 &lt;b&gt;&#39; must be', answer.text)
    assert re.search(rf'id="{field}"[^>]* value="1000 &lt;b&gt;" aria-invalid="true"', answer.text)
    assert answer.text.count("aria-invalid") == 1
    said = client.post(f"/device/{path}", data=form, headers={"Accept": "application/json"})
    assert said.status_code == 400
    assert "must be" in said.get_json()["error"]


def test_calibration_asked_for_on_the_live_page_leads_back_there(device: LivePublisher, client: FlaskClient) -> None:
    answer = client.post("/device/calibrate", data={"page": "live", "csrf_token": token(client)})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")


def test_goal_that_is_none_is_refused(device: LivePublisher, client: FlaskClient, commands: list[Message]) -> None:
    answer = client.post("/device/goal", data={"metric": "speed", "csrf_token": token(client)})
    assert answer.status_code == 400
    assert "must be one of fppa_deg, pelvic_drop_deg, step_width_leg, cadence_spm" in answer.text
    assert commands == []


def test_goal_that_is_not_confirmed_is_said(
    device: LivePublisher, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("web.views.commands.CONFIRM_S", 0.1)
    form = {"metric": "pelvic_drop_deg", "csrf_token": token(client)}
    assert "did not confirm" in client.post("/device/goal", data=form, follow_redirects=True).text


def test_a_device_that_tells_nothing_confirms_nothing(
    publisher: LivePublisher, hub: LiveHub, eventually: Eventually
) -> None:
    """That no runner is told of does not mean that there is none."""
    command = {"command": "select_runner", "runner_id": None}
    eventually(lambda: hub.send(command), "the connection")
    assert hub.ask(command, lambda: hub.runner() is None, 0.1) == "unconfirmed"


def test_silent_device_is_said(client: FlaskClient) -> None:
    form = {"side": "left", "csrf_token": token(client)}
    assert "The device is silent" in client.post("/device/test-cue", data=form, follow_redirects=True).text
    goal = {"metric": "cadence_spm", "csrf_token": form["csrf_token"]}
    assert "The device is silent" in client.post("/device/goal", data=goal, follow_redirects=True).text
    answer = client.post("/device/test-cue", data=form, headers={"Accept": "application/json"})
    assert answer.status_code == 503
    assert answer.get_json()["sent"] is False


def test_page_shows_only_what_the_device_obeys(
    publisher: LivePublisher, client: FlaskClient, health: Callable[..., Message], eventually: Eventually
) -> None:
    def hidden() -> list[str]:
        return re.findall(r'data-command="(\w+)" hidden', client.get("/aim").text)

    assert hidden() == ["test_cue", "calibrate", "set_belt_speed", "set_camera_height", "set_goal"]
    publisher.publish(health(commands=["test_cue"]))
    eventually(lambda: hidden() == ["calibrate", "set_belt_speed", "set_camera_height", "set_goal"], "the test cue")
