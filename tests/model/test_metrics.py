"""The registry: complete, consistent and documented."""

from __future__ import annotations

import math

import pytest

from model.metrics import METRICS, NOT_MEASURABLE, STANCE_METRICS, unavailable
from model.metrics_page import PAGE, page
from model.pose import View
from model.standing import centimetres


def test_keys_carry_their_units() -> None:
    for key, spec in METRICS.items():
        assert key == spec.key
        unit = {"_deg": "°", "_leg": "leg lengths", "_s": "s", "_spm": "spm"}
        endings = [known for known in unit if key.endswith(known)]
        assert spec.unit == (unit[endings[0]] if endings else "")


@pytest.mark.parametrize("spec", METRICS.values(), ids=lambda spec: spec.key)
def test_every_metric_says_what_a_person_needs(spec: object) -> None:
    for text in ("label", "sign", "when", "source", "sentence", "reason_missing"):
        assert len(getattr(spec, text)) > 3, text
    assert getattr(spec, "sentence").endswith(".")  # noqa: B009


def test_what_a_view_cannot_show_has_a_reason() -> None:
    for view in View:
        missing = unavailable(view)
        assert set(missing) == {key for key, spec in METRICS.items() if view not in spec.views}
        assert all(missing.values())
    assert "hip_extension_deg" in unavailable(View.FRONT)
    assert "fppa_deg" in unavailable(View.SIDE)
    assert "cadence_spm" not in unavailable(View.SIDE) | unavailable(View.REAR)
    assert len(NOT_MEASURABLE) >= 2


def test_only_the_cadence_is_of_the_whole_session() -> None:
    assert {spec.key for spec in METRICS.values()} - {spec.key for spec in STANCE_METRICS} == {"cadence_spm"}


def test_centimetres_of_a_leg() -> None:
    assert centimetres(1.0, 180.0) == pytest.approx(88.4, abs=0.1)
    assert math.isnan(centimetres(math.nan, 180.0))


def test_every_number_has_an_uncertainty_in_every_view_that_shows_it() -> None:
    for spec in METRICS.values():
        assert set(spec.uncertainty) == spec.views, spec.key
        assert all(value > 0 for value in spec.uncertainty.values())


def test_where_no_source_gives_a_least_change_what_a_mean_may_be_off_is_one() -> None:
    for spec in STANCE_METRICS:
        for view in spec.views:
            least = spec.least_change(view)
            assert least == (spec.uncertainty[view] if spec.sdd is None else spec.sdd), spec.key
    assert METRICS["step_width_leg"].least_change(None) is None


def test_the_page_is_the_registry() -> None:
    text = PAGE.read_text("utf-8")
    assert text == page(), "run python -m model.metrics_page"
    for key, spec in METRICS.items():
        assert f"| `{key}` |" in text
        assert spec.sentence in text
