"""Under which names the pages are served: not under one that a stranger lets lead here."""

from __future__ import annotations

import html
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from device.config import Config, WebConfig
from web import hosts
from web.app import close_app, create_app
from web.hosts import is_served

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture
def network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Gives this machine a name, and the resolver what the router has told."""

    def name(machine: str, resolver: str) -> None:
        monkeypatch.setattr(socket, "gethostname", lambda: machine)
        monkeypatch.setattr(hosts, "_RESOLVER", tmp_path / "resolv.conf")
        (tmp_path / "resolv.conf").write_text(resolver)

    name("kneeline", "# of the router\nsearch fritz.box gym.lan.\nnameserver 192.168.1.1\n")
    return name


@pytest.mark.usefixtures("network")
@pytest.mark.parametrize(
    "asked",
    [
        "localhost",
        "localhost:8080",
        "127.0.0.1:8080",
        "192.168.1.7",
        "[::1]:8080",
        "[fe80::1]",
        "kneeline:8080",
        "kneeline.local",
        "Kneeline.LOCAL.:8080",
        "other-box.local",
        "kneeline.fritz.box:8080",
        "kneeline.gym.lan",
        "run.gym.example",
    ],
)
def test_own_names_are_served(asked: str) -> None:
    assert is_served(asked, {"Run.Gym.example"})


@pytest.mark.usefixtures("network")
@pytest.mark.parametrize(
    "asked",
    [
        "evil.example",
        "evil.example:8080",
        "kneeline.evil.example",
        "kneeline.local.evil.example",
        "evil-local",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "fritz.box",
        "gym.example",
        "a.run.gym.example",
        "evil.example@localhost",
        "localhost, evil.example",
        "localhost/evil",
        "localhost:99999",
        "localhost:x",
        "[::1",
        "[1.2]",
        "a..local",
        ".local",
        f"{65 * 'a'}.local",
        "",
        " ",
    ],
)
def test_other_names_are_not(asked: str) -> None:
    assert not is_served(asked, {"run.gym.example"})


def test_a_machine_whose_name_has_a_domain_is_served_under_both(network: Callable[[str, str], None]) -> None:
    network("kneeline.gym.example", "domain .\n")
    assert is_served("kneeline.gym.example", ())
    assert is_served("kneeline", ())
    assert not is_served("other.gym.example", ())


def test_without_a_resolver_the_name_alone_is_served(
    network: Callable[[str, str], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hosts, "_RESOLVER", tmp_path / "none")
    assert is_served("kneeline", ())
    assert not is_served("kneeline.fritz.box", ())


@pytest.mark.parametrize("path", ["/", "/healthz", "/api/live", "/api/events", "/static/icon.svg", "/nothing"])
def test_nothing_is_read_under_another_name(client: FlaskClient, path: str) -> None:
    answer = client.get(path, headers={"Host": "evil.example:8080"}, buffered=False)
    assert answer.status_code == 403
    with client.get(path, headers={"Host": "192.168.1.7:8080"}, buffered=False) as served:
        assert served.status_code == (404 if path == "/nothing" else 200)


def test_nothing_is_done_under_another_name(client: FlaskClient) -> None:
    assert client.post("/device/calibrate", headers={"Host": "evil.example"}).status_code == 403


def test_the_remedy_is_said(client: FlaskClient) -> None:
    page = html.unescape(client.get("/sessions", headers={**BROWSER, "Host": "evil.example"}).text)
    said = client.get("/api/sessions", headers={"Host": "evil.example"}).get_json()["error"]
    assert said in page
    assert "add the name to [web] names" in said
    assert "evil.example" not in page


@pytest.mark.parametrize("asked", ["a..local", ".local", f"{65 * 'a'}.local", "a..evil.com", "a/b"])
@pytest.mark.parametrize("path", ["/", "/healthz", "/static/icon.svg", "/api/sessions"])
def test_what_is_no_name_at_all_is_refused_in_plain_words(client: FlaskClient, asked: str, path: str) -> None:
    """Flask makes no addresses then, so that a page with links cannot be."""
    answer = client.get(path, headers={**BROWSER, "Host": asked})
    assert answer.status_code == 403
    assert "open it by the box's address" in answer.text


def test_what_a_proxy_says_it_was_asked_for_counts_for_nothing(client: FlaskClient) -> None:
    for header, host in (("X-Forwarded-Host", "localhost"), ("Forwarded", "host=localhost")):
        assert client.get("/", headers={"Host": "evil.example", header: host}).status_code == 403
    assert client.get("/", headers={"X-Forwarded-Host": "evil.example"}).status_code == 200


@pytest.mark.parametrize("web", [WebConfig(names=("gym.example",)), WebConfig(host="gym.example")])
def test_names_of_the_settings_are_served(config: Config, web: WebConfig) -> None:
    app = create_app(config.model_copy(update={"web": web}))
    try:
        assert app.test_client().get("/", headers={"Host": "gym.example"}).status_code == 200
        assert app.test_client().get("/", headers={"Host": "evil.example"}).status_code == 403
    finally:
        close_app(app)
