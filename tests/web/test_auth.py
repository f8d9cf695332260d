"""The key that signs cookies."""

from __future__ import annotations

import logging
import stat
from pathlib import Path

import pytest
from flask import Flask

from device.config import Config
from web.app import close_app, create_app
from web.auth import KEY_FILE, secret_key


def test_key_is_random_kept_and_private(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    key = secret_key(here)
    assert len(key) == 32
    assert secret_key(here) == key
    assert secret_key(there) != key
    assert stat.S_IMODE((here / KEY_FILE).stat().st_mode) == 0o600
    assert [path.name for path in here.iterdir()] == [KEY_FILE]


def test_key_that_others_could_read_is_closed_again(tmp_path: Path) -> None:
    key = secret_key(tmp_path)
    (tmp_path / KEY_FILE).chmod(0o644)
    assert secret_key(tmp_path) == key
    assert stat.S_IMODE((tmp_path / KEY_FILE).stat().st_mode) == 0o600


def test_key_cut_short_by_a_power_cut_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / KEY_FILE).write_bytes(b"short")
    key = secret_key(tmp_path)
    assert len(key) == 32
    assert secret_key(tmp_path) == key


def test_folder_that_cannot_be_written_gives_a_key_for_this_run(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("no folder")
    with caplog.at_level(logging.WARNING):
        keys = {secret_key(tmp_path / "file" / "folder") for _ in range(2)}
    assert len(keys) == 2
    assert "for this run only" in caplog.text


def test_cookie_of_before_a_restart_still_holds(config: Config) -> None:
    def made() -> Flask:
        app = create_app(config)
        close_app(app)
        return app

    assert made().secret_key == made().secret_key


def test_cookie_is_out_of_reach_of_scripts_and_other_sites(app: Flask) -> None:
    cookie = app.test_client().get("/aim").headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
