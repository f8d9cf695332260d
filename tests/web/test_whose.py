"""Whose a session was, said on its page, with the device's own half: real commands into the real database."""

from __future__ import annotations

import html
import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from device.store import Store
from model.pose import Side
from tests.web.choosing import Device
from tests.web.tested import store_test

MakeSession = Callable[..., int]


def words(text: str) -> str:
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", text)))


def give(client: FlaskClient, session_id: int, to: object, of: object = "", status: int = 200) -> str:
    """Sends the form of a session's page; the text of the page that follows."""
    token = re.search(r'name="csrf-token" content="([^"]+)"', client.get("/").text)
    assert token is not None
    data = {"csrf_token": token[1], "runner_id": str(to), "of": str(of)}
    answer = client.post(f"/sessions/{session_id}/runner", data=data, follow_redirects=True)
    assert answer.status_code == status
    return words(answer.text)


@pytest.fixture
def anna(store: Store) -> int:
    return store.add_runner("Anna O'Hara", 168.0)[0]


def test_an_anonymous_run_is_given_its_runner_and_compared_with_theirs(
    device: Device, client: FlaskClient, make_session: MakeSession, anna: int
) -> None:
    make_session(runner_id=anna)
    session_id = make_session()
    page = client.get(f"/sessions/{session_id}").text
    assert "Whose was it?" in page
    assert '<option value="1">Anna O&#39;Hara</option>' in page
    said = give(client, session_id, anna)
    assert "The session is Anna O'Hara's now." in said
    assert "Compared with" in said
    assert "Centimetres are for a height of 168 cm" in said
    assert "Was it somebody else's?" in said
    assert '<option value="1" selected>Anna O&#39;Hara</option>' in client.get(f"/sessions/{session_id}").text
    assert "The session is anonymous now." in give(client, session_id, "", of=anna)


def test_a_test_is_given_to_another(device: Device, client: FlaskClient, store: Store, anna: int) -> None:
    ben, _ = store.add_runner("Ben")
    tested = store_test(store, Side.RIGHT, runner_id=ben)
    page = words(client.get(f"/sessions/{tested}").text)
    assert "Was it somebody else's?" in page
    assert "programme" not in page, "no test is a part of one, or measures a baseline"
    assert "centimetres" not in page
    assert "The session is Anna O'Hara's now." in give(client, tested, anna, of=ben)
    assert "Sessions of Anna O'Hara" in words(client.get(f"/sessions?runner={anna}").text)
    assert f'href="/sessions/{tested}"' in client.get(f"/sessions?runner={anna}").text


def test_a_page_from_before_somebody_else_said_so_changes_nothing(
    device: Device, client: FlaskClient, store: Store, make_session: MakeSession, anna: int
) -> None:
    ben, _ = store.add_runner("Ben")
    session_id = make_session()
    give(client, session_id, anna)
    said = give(client, session_id, ben)
    assert "Nothing was changed: meanwhile somebody else has said whose it was." in said
    assert client.get(f"/api/sessions/{session_id}").get_json()["runner_id"] == anna


def test_who_was_deleted_meanwhile_and_what_is_not_there(
    device: Device, client: FlaskClient, make_session: MakeSession, anna: int
) -> None:
    session_id = make_session()
    assert "the session or that runner has been deleted meanwhile" in give(client, session_id, 7)
    give(client, 99, anna, status=404)
    give(client, session_id, "Anna", status=404)
    assert client.post(f"/sessions/{session_id}/runner", data={"runner_id": anna}).status_code == 400, "no token"


def test_it_is_not_asked_of_a_session_that_runs_nor_where_there_is_nobody(
    client: FlaskClient, store: Store, make_session: MakeSession
) -> None:
    ended = make_session()
    assert "Whose was it?" not in client.get(f"/sessions/{ended}").text
    store.add_runner("Anna")
    running = make_session(state="open")
    assert "Whose was it?" not in client.get(f"/sessions/{running}").text
    assert "Whose was it?" not in client.get(f"/sessions/{ended}/card").text


def test_a_silent_device_is_said(client: FlaskClient, make_session: MakeSession, anna: int) -> None:
    session_id = make_session()
    page = client.get(f"/sessions/{session_id}").text
    assert "That cannot be told now. The device is silent." in page
    assert "<button disabled>Change it</button>" in page
    assert "The device is silent, nothing was sent." in give(client, session_id, anna)
