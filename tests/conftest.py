"""Shared fixtures."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parent.parent


def shared_data() -> Path | None:
    """The folder with more clips and motion capture that stands beside the project, or None where there is none."""
    data = Path(os.environ.get("KNEELINE_SHARED", REPO.parent / "shared")) / "data"
    return data if data.is_dir() else None


@pytest.fixture(scope="session")
def shared() -> Path:
    data = shared_data()
    if data is None:
        pytest.skip("the extra clips are not here")
    return data


@pytest.fixture(scope="session")
def demo_clip() -> Path:
    return REPO / "device" / "demo" / "demo_front.mp4"


def warned(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What was warned of, in order."""
    return [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
