"""The Delete buttons, with the device's own half: real commands over the real socket into the real database."""

from __future__ import annotations

import html
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing

import pytest
from flask.testing import FlaskClient

from device import deletion
from device.config import Config
from device.live import LivePublisher, Message
from device.store import SessionHeader, Store
from model.pose import Side
from tests.web.choosing import Device
from tests.web.tested import store_test
from web.hub import LiveHub
from web.views import deletion as views

Eventually = Callable[..., None]
MakeSession = Callable[..., int]


def words(text: str) -> str:
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", text)))


def delete(client: FlaskClient, path: str, status: int = 200) -> str:
    """Presses the button of the page that asks; the text of what follows."""
    token = re.search(r'name="csrf-token" content="([^"]+)"', client.get("/").text)
    assert token is not None
    answer = client.post(path, data={"csrf_token": token[1]}, follow_redirects=True)
    assert answer.status_code == status
    return words(answer.text)


def test_a_session_is_deleted_after_a_question(device: Device, client: FlaskClient, make_session: MakeSession) -> None:
    kept, gone = make_session(3), make_session(3)
    path = f"/sessions/{gone}/delete"
    assert f'href="{path}"' in client.get(f"/sessions/{gone}").text
    asked = client.get(path).text
    assert f"Delete session {gone}?" in words(asked)
    assert "3 stances" in asked
    assert "disabled" not in asked
    assert client.get(f"/sessions/{gone}").status_code == 200, "asking deletes nothing"
    said = delete(client, path)
    assert f"Session {gone} is deleted." in said
    assert f"/sessions/{gone}\"" not in client.get("/sessions").text
    for url in ("", "/card", "/qr.svg", "/delete"):
        assert client.get(f"/sessions/{gone}{url}").status_code == 404
    for url in (f"/api/sessions/{gone}", f"/api/sessions/{gone}.csv"):
        assert client.get(url).status_code == 404
    delete(client, path, 404)
    assert client.get(f"/sessions/{kept}").status_code == 200


def test_what_stays_of_a_session_that_is_deleted_is_said(
    client: FlaskClient, store: Store, make_session: MakeSession
) -> None:
    """Whoever deletes a run because somebody else ran it would leave its baseline to who is taken for them."""
    anna, _ = store.add_runner("Anna")
    stays = "How Anna usually runs, where it was measured in this run, and what it did of a programme stay."
    for session_id, said in ((make_session(3, runner_id=anna), True), (make_session(3), False)):
        assert (stays in words(client.get(f"/sessions/{session_id}/delete").text)) is said
    tested = store_test(store, Side.RIGHT, runner_id=anna)
    assert "usually runs" not in client.get(f"/sessions/{tested}/delete").text


def test_a_form_without_its_token_deletes_nothing(
    device: Device, client: FlaskClient, make_session: MakeSession, store: Store
) -> None:
    session_id, (runner_id, _) = make_session(3), store.add_runner("Anna")
    assert client.post(f"/sessions/{session_id}/delete").status_code == 400
    assert client.post(f"/runners/{runner_id}/delete").status_code == 400
    assert client.get(f"/sessions/{session_id}").status_code == 200
    assert store.runner(runner_id) is not None


def test_the_running_session_is_refused(
    device: Device, client: FlaskClient, hub: LiveHub, eventually: Eventually
) -> None:
    device.writer.begin(SessionHeader("clip", "m", "0"), lambda session_id: None)
    eventually(hub.session_id, "the session")
    asked = client.get("/sessions/1/delete").text
    assert "This session runs now. Wait for its end." in asked
    assert "It is still running." in words(client.get("/sessions/1").text)
    assert '<button class="danger" disabled>' in asked
    assert "Not deleted: this session runs now. Wait for its end." in delete(client, "/sessions/1/delete")
    assert client.get("/sessions/1").status_code == 200


def test_what_a_power_cut_left_open_can_be_deleted_before_it_is_closed(
    device: Device, client: FlaskClient, config: Config, make_session: MakeSession
) -> None:
    """For which a full disk may have no room until something is deleted."""
    cut_off = make_session(3)
    with closing(sqlite3.connect(config.database_path())) as raw, raw:
        raw.execute("UPDATE sessions SET state = 'open', ended_utc = NULL")
    shown = words(client.get(f"/sessions/{cut_off}").text)
    assert "Power or program ended during it; it could not be closed yet." in shown
    asked = client.get(f"/sessions/{cut_off}/delete").text
    assert "disabled" not in asked
    assert "runs now" not in asked
    assert f"Session {cut_off} is deleted." in delete(client, f"/sessions/{cut_off}/delete")


def test_a_runner_goes_with_the_sessions_and_their_number_is_said(
    device: Device, client: FlaskClient, store: Store
) -> None:
    runner_id, _ = store.add_runner("Anna O'Hara", 168.0)
    for _ in range(2):
        store.end_session(store.begin_session(SessionHeader("clip", "m", "0", runner_id=runner_id)))
    other = store.begin_session(SessionHeader("clip", "m", "0"))
    store.end_session(other)
    path = f"/runners/{runner_id}/delete"
    assert f'href="{path}"' in client.get("/runners").text
    assert f'href="{path}"' not in client.get("/runners?kiosk=1").text
    asked = words(client.get(path).text)
    assert "Name, height, goal, baselines and programme are deleted from this box, and 2 sessions of Anna" in asked
    assert "Delete Anna O'Hara and 2 sessions" in asked
    said = delete(client, path)
    assert "Anna O'Hara is deleted, with 2 sessions." in said
    assert "Nobody here yet." in said
    assert client.get(path).status_code == 404
    assert client.get("/sessions/1").status_code == 404
    assert client.get(f"/sessions/{other}").status_code == 200


def test_who_is_chosen_is_refused(device: Device, client: FlaskClient, store: Store, eventually: Eventually) -> None:
    runner_id, _ = store.add_runner("Anna")
    device.choice.obey({"command": "select_runner", "runner_id": runner_id})
    eventually(lambda: "Anna runs next." in client.get("/runners").text, "the choice")
    path = f"/runners/{runner_id}/delete"
    asked = client.get(path).text
    assert "Anna is chosen to run, now or next." in words(asked)
    assert '<button class="danger" disabled>' in asked
    assert "Not deleted: this runner is chosen to run next." in delete(client, path)
    assert store.runner(runner_id) is not None


def test_a_silent_device_deletes_nothing_and_the_page_says_so(
    client: FlaskClient, make_session: MakeSession, store: Store
) -> None:
    session_id, (runner_id, _) = make_session(3), store.add_runner("Anna")
    for path in (f"/sessions/{session_id}/delete", f"/runners/{runner_id}/delete"):
        asked = client.get(path).text
        assert "Nothing can be deleted now. The device is silent. If this stays, check camera cable" in asked
        assert '<button class="danger" disabled>' in asked
        said = delete(client, path)
        assert "The device is silent, nothing was sent." in said
        assert said.count("start kneeline device beside it: it needs no camera") == 2  # also beside the button
    assert client.get(f"/sessions/{session_id}").status_code == 200


def test_a_session_that_was_open_when_the_device_fell_silent_is_not_said_to_run(
    client: FlaskClient, make_session: MakeSession
) -> None:
    """Power or program ended amid it: whoever waits for its end waits in vain."""
    asked = words(client.get(f"/sessions/{make_session(3, state='open')}/delete").text)
    assert "Nothing can be deleted now. The device is silent. If this stays, check" in asked
    assert "runs now" not in asked


def test_a_device_that_does_not_answer_is_said(
    publisher: LivePublisher, client: FlaskClient, make_session: MakeSession, eventually: Eventually,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(views, "_ANSWER_S", 0.1)
    session_id = make_session(3)
    publisher.publish({"type": "health", "commands": list(deletion.COMMANDS)})
    eventually(lambda: client.get("/healthz").get_json()["device"] == "live", "the device")
    assert "The device did not confirm" in delete(client, f"/sessions/{session_id}/delete")


def test_an_answer_is_for_who_asked_only(
    publisher: LivePublisher, hub: LiveHub, commands: list[Message], eventually: Eventually
) -> None:
    publisher.publish({"type": "answer", "request": "another", "done": True, "sessions": 1, "said": None})
    publisher.publish({"type": "cue", "side": "left"})
    eventually(lambda: hub.snapshot()["events"], "the cue")
    assert hub.request({"command": "delete_session", "id": 1}, 0.1) == "unconfirmed"
    assert commands[0]["request"] != "another"
    assert [event["type"] for event in hub.snapshot()["events"]] == ["cue"]


@pytest.mark.parametrize("path", ["/sessions/99/delete", "/runners/99/delete", f"/runners/{2**70}/delete"])
def test_what_is_not_there_is_not_found(device: Device, client: FlaskClient, path: str) -> None:
    assert client.get(path).status_code == 404
    delete(client, path, 404)
