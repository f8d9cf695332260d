"""One runner's sessions, on a real database."""

from __future__ import annotations

import html
import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from device.config import Config
from device.store import Store
from model.pose import Side
from tests.web.tested import store_test

MakeSession = Callable[..., int]
#: Nobody has such a number.
NOBODY = ["99", "0", "-1", "x", "1.5", "9223372036854775808", "9" * 5000]


def text_of(client: FlaskClient, url: str, status: int = 200) -> str:
    answer = client.get(url)
    assert answer.status_code == status
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]*>", " ", answer.text)))


def listed(client: FlaskClient, url: str) -> list[int]:
    """Sessions whose rows a list shows."""
    found = re.findall(r'<th scope="row"[^>]*><a href="/sessions/(\d+)"', client.get(url).text)
    return [int(session_id) for session_id in found]


@pytest.fixture
def anna(store: Store) -> int:
    return store.add_runner("Anna O'Hara")[0]


def test_one_runners_sessions_are_listed_alone(
    client: FlaskClient, store: Store, make_session: MakeSession, anna: int
) -> None:
    ben, _ = store.add_runner("Ben")
    hers = [make_session(3, runner_id=anna), make_session(3, view="side", runner_id=anna)]
    make_session(3, runner_id=ben)
    make_session(3)
    tested = store_test(store, Side.RIGHT, runner_id=anna)
    assert listed(client, f"/sessions?runner={anna}") == [tested, *reversed(hers)]
    text = text_of(client, f"/sessions?runner={anna}")
    assert "Sessions of Anna O'Hara" in text
    assert "All sessions" in text
    assert "Step-down test, right leg" in text
    page = client.get(f"/sessions?runner={anna}").text
    assert '<a class="button" href="/sessions">' in page
    assert len(listed(client, "/sessions")) == 5
    assert listed(client, "/sessions?runner=") == listed(client, "/sessions")
    assert "Sessions of" not in text_of(client, "/sessions")


def test_a_runner_without_sessions_is_said_to_have_none(client: FlaskClient, anna: int) -> None:
    assert "No session of Anna O'Hara is kept." in text_of(client, f"/sessions?runner={anna}")


@pytest.mark.parametrize("number", NOBODY)
def test_nobodys_sessions_are_not_found(client: FlaskClient, make_session: MakeSession, anna: int, number: str) -> None:
    make_session(3, runner_id=anna)
    assert "There is no such page or session here." in text_of(client, f"/sessions?runner={number}", 404)


def test_without_a_database_there_is_no_runner(client: FlaskClient, config: Config) -> None:
    assert not config.database_path().exists()
    text_of(client, "/sessions?runner=1", 404)


def test_one_runners_sessions_page(client: FlaskClient, make_session: MakeSession, anna: int) -> None:
    hers = [make_session(3, runner_id=anna) for _ in range(31)]
    make_session(3)
    first, second = (client.get(f"/sessions?runner={anna}&page={n}").text for n in (1, 2))
    assert "page 1 of 2" in first
    assert f'href="/sessions?page=2&amp;runner={anna}"' in first
    assert f'href="/sessions?page=1&amp;runner={anna}"' in second
    for _ in range(30):
        make_session(3)
    assert 'href="/sessions?page=2"' in client.get("/sessions").text
    assert listed(client, f"/sessions?runner={anna}&page=2") == hers[:1]
    assert listed(client, f"/sessions?runner={anna}&page=9") == hers[:1]


def test_links_lead_to_a_runners_sessions(
    client: FlaskClient, store: Store, make_session: MakeSession, anna: int
) -> None:
    session_id, tested = make_session(3, runner_id=anna), store_test(store, runner_id=anna)
    link = f'href="/sessions?runner={anna}"'
    for url in ("/runners", "/sessions", f"/sessions/{session_id}", f"/sessions/{tested}"):
        assert link in client.get(url).text, url
    assert 'aria-label="2 sessions of Anna O&#39;Hara"' in client.get("/runners").text
    assert link not in client.get("/runners?kiosk=1").text  # nobody navigates there
    assert "2 sessions, 2 of them" not in text_of(client, "/runners?kiosk=1")
    store.add_runner("Ben")
    assert "0 sessions" in text_of(client, "/runners")
    assert "sessions?runner=2" not in client.get("/runners").text


def test_the_json_of_sessions_knows_no_runner_filter(client: FlaskClient, make_session: MakeSession, anna: int) -> None:
    """It stays as others rely on it."""
    make_session(3, runner_id=anna)
    assert client.get("/api/sessions?runner=99").get_json() == client.get("/api/sessions").get_json()
