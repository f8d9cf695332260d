"""Lengths in centimetres: beside the shares of leg length, only where the height is known."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from model.lengths import CM_KEYS, stance_with_centimetres, with_centimetres
from model.metrics import METRICS
from model.pose import View
from model.result import summarise
from model.table import stances_csv
from tests.model.test_result import stances


def document() -> dict[str, Any]:
    found = stances(8, step_width_leg=0.05, fppa_deg=4.0)
    summary: dict[str, Any] = summarise(found, View.FRONT)
    return {"stances": found, "summary": {str(key): value for key, value in summary.items()}}


def test_every_share_of_leg_length_has_a_key() -> None:
    assert set(CM_KEYS) == {spec.key for spec in METRICS.values() if spec.unit == "leg lengths"}
    assert CM_KEYS["step_width_leg"] == "step_width_cm"
    assert not set(CM_KEYS.values()) & set(METRICS)


def test_a_stance_has_centimetres_only_with_a_height() -> None:
    stance = {"step_width_leg": 0.1, "overstride_leg": None, "fppa_deg": 4.0}
    assert stance_with_centimetres(stance, None) == stance
    assert stance_with_centimetres(stance, 180.0) == {**stance, "step_width_cm": 8.84, "overstride_cm": None}


def test_the_document_gains_keys_and_changes_none() -> None:
    before = document()
    assert with_centimetres(before, None) == before
    after = with_centimetres(before, 180.0)
    assert after["height_cm"] == 180.0
    for now, was in zip(after["stances"], before["stances"], strict=True):
        assert {key: now[key] for key in was} == was
        assert now["step_width_cm"] == pytest.approx(88.38 * was["step_width_leg"], abs=0.01)
    for block in ("left", "right", "asymmetry"):
        was, now = before["summary"][block], after["summary"][block]
        assert {key: now[key] for key in was} == was
    claim, share = after["summary"]["left"]["step_width_cm"], before["summary"]["left"]["step_width_leg"]
    assert claim["n"] == share["n"] == 8
    for name in ("mean", "sd", "ci95", "uncertainty"):
        assert claim[name] == pytest.approx(88.38 * share[name], abs=0.01), name
    assert claim["sdd"] is None
    assert after["summary"]["asymmetry"]["step_width_cm"]["changed"] is True
    assert with_centimetres({**before, "summary": None}, 180.0)["summary"] is None


def test_the_table_has_centimetres_at_its_end_where_the_height_is_known() -> None:
    plain, tall = (
        list(csv.DictReader(io.StringIO(stances_csv(with_centimetres(document(), height_cm)))))
        for height_cm in (None, 180.0)
    )
    assert list(tall[0]) == [*plain[0], *CM_KEYS.values()]
    assert float(tall[0]["step_width_cm"]) == pytest.approx(4.42)
    assert tall[0]["overstride_cm"] == ""
