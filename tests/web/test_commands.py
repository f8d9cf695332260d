"""Commands go from a form to the device over the real socket, and only with a token."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from device.live import LivePublisher, Message
from web.hub import LiveHub

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
        ("belt-speed", {"belt_speed_km_h": "9"}, {"command": "set_belt_speed", "belt_speed_m_s": 2.5}),
        ("belt-speed", {"belt_speed_km_h": "10,8"}, {"command": "set_belt_speed", "belt_speed_m_s": 3.0}),
        ("belt-speed", {"belt_speed_km_h": " "}, {"command": "set_belt_speed", "belt_speed_m_s": None}),
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


def test_without_token_nothing_is_sent(device: LivePublisher, client: FlaskClient, commands: list[Message]) -> None:
    answer = client.post("/device/test-cue", data={"side": "left"})
    assert answer.status_code == 400
    assert "out of date" in answer.text
    assert commands == []


def test_token_of_a_script_goes_in_a_header(
    device: LivePublisher, client: FlaskClient, commands: list[Message], eventually: Eventually
) -> None:
    headers = {"X-CSRFToken": token(client), "Accept": "application/json"}
    answer = client.post("/device/test-cue", data={"side": "right"}, headers=headers)
    assert answer.get_json() == {"sent": True, "message": "Test cue sent to the right side."}
    eventually(lambda: len(commands) == 1, "the command")


@pytest.mark.parametrize(
    ("path", "form", "said"),
    [
        ("test-cue", {"side": "both"}, "must be left or right"),
        ("test-cue", {}, "must be left or right"),
        ("belt-speed", {"belt_speed_km_h": "fast"}, "must be 1.1 to 36 km/h"),
        ("belt-speed", {"belt_speed_km_h": "0"}, "must be 1.1 to 36 km/h"),
        ("belt-speed", {"belt_speed_km_h": "nan"}, "must be 1.1 to 36 km/h"),
        ("belt-speed", {"belt_speed_km_h": "37"}, "must be 1.1 to 36 km/h"),
    ],
)
def test_wrong_values_are_refused_with_the_reason(
    device: LivePublisher, client: FlaskClient, commands: list[Message], path: str, form: dict[str, str], said: str
) -> None:
    answer = client.post(f"/device/{path}", data={**form, "csrf_token": token(client)})
    assert answer.status_code == 400
    assert said in answer.text
    assert commands == []


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
    monkeypatch.setattr("web.views.commands._CONFIRM_S", 0.1)
    form = {"metric": "pelvic_drop_deg", "csrf_token": token(client)}
    assert "did not confirm" in client.post("/device/goal", data=form, follow_redirects=True).text


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

    assert hidden() == ["test_cue", "calibrate", "set_belt_speed", "set_goal"]
    publisher.publish(health(commands=["test_cue"]))
    eventually(lambda: hidden() == ["calibrate", "set_belt_speed", "set_goal"], "the test cue")
