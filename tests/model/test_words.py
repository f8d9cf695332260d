"""Words for people."""

from __future__ import annotations

from model.words import capital, counted, sentence


def test_one_is_not_many() -> None:
    assert [counted(n, "repetition") for n in range(3)] == ["0 repetitions", "1 repetition", "2 repetitions"]


def test_a_reason_can_stand_by_itself() -> None:
    assert capital("no camera: plug it in") == "No camera: plug it in"
    assert sentence("a wall 3 m away") == "A wall 3 m away."
