"""Which runtime, how many threads and which model this board takes, without measuring this board."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from device import board
from model.errors import WeightsError
from model.runtime import ModelName, PoseNet, RuntimeName, Weights, load_weights


class _Net:
    def __init__(self, weights: Weights, runtime: RuntimeName, threads: int, mirrored: bool = False) -> None:
        self.weights, self.runtime, self.threads, self.mirrored = weights, runtime, threads, mirrored


class _Bench:
    """Times in ms by model, runtime and threads, in place of measured ones."""

    def __init__(self, cache: Path) -> None:
        self.cache = cache
        self.thunder_ms = 20.0
        self.measured: list[tuple[str, RuntimeName, int]] = []

    def __call__(self, net: _Net, hopeless_ms: float) -> float:
        self.measured.append((net.weights.name, net.runtime, net.threads))
        ms = self.thunder_ms if "thunder" in net.weights.name else 8.0
        return ms * {"litert": 1.0, "tflite": 5.0}[net.runtime] * (1.0 if net.threads > 1 else 1.5)

    def best(self, weights: Weights) -> board.Choice:
        return board.best_choice(weights, None, 0, self.cache)

    def taken(self, name: ModelName | None, fps: float, mirrored: bool = False) -> PoseNet:
        return board.choose_model(name, fps, None, 0, mirrored, self.cache)


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> _Bench:
    bench = _Bench(tmp_path / "state" / "board.json")
    monkeypatch.setattr(board, "PoseNet", _Net)
    monkeypatch.setattr(board, "measure_ms", bench)
    monkeypatch.setattr(board, "available_runtimes", lambda: {"litert": "2.1", "tflite": "2.14"})
    monkeypatch.setattr(board, "board_name", lambda: "Raspberry Pi 5")
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    return bench


def test_fastest_is_taken_and_remembered_with_what_else_was_tried(bench: _Bench) -> None:
    weights = load_weights("lightning")
    first = bench.best(weights)
    assert (first.runtime, first.threads, first.invoke_ms) == ("litert", 4, 8.0)
    assert first.others_ms == {
        "litert with 1 thread(s)": 12.0,
        "tflite with 4 thread(s)": 40.0,
        "tflite with 1 thread(s)": 60.0,
    }
    assert bench.best(weights) == first
    assert len(bench.measured) == 4


def test_service_and_doctor_share_the_measurement(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database = tmp_path / "kneeline.db"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    assert board.cache_path(database) == tmp_path / "cache" / "kneeline" / "board.json"
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    beside = board.cache_path(database)
    beside.write_text("{}")
    monkeypatch.delenv("STATE_DIRECTORY")
    assert board.cache_path(database) == beside == tmp_path / "board.json"


def test_what_was_measured_can_be_had_without_measuring(bench: _Bench) -> None:
    weights = load_weights("lightning")
    assert board.kept_choice(weights, None, 0, bench.cache) is None
    assert bench.measured == []
    first = bench.best(weights)
    assert board.kept_choice(weights, None, 0, bench.cache) == first
    assert board.kept_choice(weights, None, 2, bench.cache) is None


@pytest.mark.parametrize("entry", [[], {}, {"runtime": "litert"}, {"speed": 3}, "8 ms"])
def test_a_measurement_of_another_form_is_made_anew(bench: _Bench, entry: object) -> None:
    weights = load_weights("lightning")
    first = bench.best(weights)
    (key,) = json.loads(bench.cache.read_text())
    bench.cache.write_text(json.dumps({key: entry}))
    assert board.kept_choice(weights, None, 0, bench.cache) is None
    assert bench.best(weights) == first
    assert board.kept_choice(weights, None, 0, bench.cache) == first


_IMPOSSIBLE: dict[str, tuple[object, ...]] = {
    "runtime": ("tflite2", None, ["litert"], {}),
    "threads": (0, -1, 1.5, "4", None, True),
    "invoke_ms": (None, 0, -8.0, "8 ms", float("nan"), float("inf"), True),
    "others_ms": (None, [12.0], {"tflite with 1 thread(s)": None}),
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, all_ in _IMPOSSIBLE.items() for value in all_])
def test_a_kept_value_that_cannot_be_is_measured_anew(bench: _Bench, name: str, value: object) -> None:
    """By somebody's hand, or a card's fault; else every start would fail of it."""
    weights = load_weights("lightning")
    first = bench.best(weights)
    ((key, entry),) = json.loads(bench.cache.read_text()).items()
    bench.cache.write_text(json.dumps({key: entry | {name: value}}))
    assert board.kept_choice(weights, None, 0, bench.cache) is None
    assert bench.taken("lightning", 30).threads == first.threads
    assert board.kept_choice(weights, None, 0, bench.cache) == first


def test_a_folder_that_cannot_be_written_is_said_and_stops_nothing(
    bench: _Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.cache = Path("/proc/nowhere/board.json")
    assert bench.best(load_weights("lightning")).invoke_ms == 8.0
    assert "made at each start" in caplog.text


@pytest.mark.parametrize("what", ["board", "model", "runtime"])
def test_another_board_model_or_runtime_is_measured_anew(
    bench: _Bench, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    weights = load_weights("lightning")
    bench.best(weights)
    if what == "board":
        monkeypatch.setattr(board, "board_name", lambda: "Raspberry Pi 4")
    elif what == "runtime":
        monkeypatch.setattr(board, "available_runtimes", lambda: {"litert": "2.2", "tflite": "2.14"})
    else:
        weights = replace(weights, sha256="0" * 64)
    bench.best(weights)
    assert len(bench.measured) == 8


def test_a_box_whose_thunder_is_damaged_coaches_with_lightning(
    bench: _Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def load(name: ModelName) -> Weights:
        if name == "thunder":
            raise WeightsError("model weights thunder.tflite have a wrong checksum: install Kneeline again")
        return load_weights(name)

    monkeypatch.setattr(board, "load_weights", load)
    assert bench.taken(None, 30).weights.name == "movenet-lightning-int8"
    assert "install Kneeline again; until then Lightning is used" in caplog.text
    with pytest.raises(WeightsError):
        bench.taken("thunder", 30)


@pytest.mark.parametrize(
    ("thunder_ms", "fps", "taken"),
    [(26.6, 30, "thunder"), (26.7, 30, "lightning"), (13.3, 60, "thunder"), (13.4, 60, "lightning")],
)
def test_thunder_is_taken_with_a_fifth_of_the_time_to_spare(
    bench: _Bench, thunder_ms: float, fps: float, taken: str
) -> None:
    bench.thunder_ms = thunder_ms
    assert bench.taken(None, fps).weights.name == f"movenet-{taken}-int8"


@pytest.mark.parametrize(("thunder_ms", "taken"), [(13.3, "thunder"), (13.4, "lightning")])
def test_the_mirrored_look_takes_twice_the_time(bench: _Bench, thunder_ms: float, taken: str) -> None:
    bench.thunder_ms = thunder_ms
    net = bench.taken(None, 30, mirrored=True)
    assert (net.weights.name, net.mirrored) == (f"movenet-{taken}-int8", True)
    assert not bench.taken(None, 30).mirrored


def test_a_board_that_was_busy_when_it_was_measured_takes_thunder_at_the_next_start(bench: _Bench) -> None:
    bench.thunder_ms = 60.0
    assert bench.taken(None, 30).weights.name == "movenet-lightning-int8"
    bench.thunder_ms = 80.0  # busier still: the shorter time is kept
    assert bench.taken(None, 30).weights.name == "movenet-lightning-int8"
    assert bench.best(load_weights("thunder")).invoke_ms == 60.0
    bench.thunder_ms = 20.0
    assert bench.taken(None, 30).weights.name == "movenet-thunder-int8"
    bench.thunder_ms = 60.0  # busy again
    bench.measured.clear()
    assert bench.taken(None, 30).weights.name == "movenet-thunder-int8"
    assert bench.measured == []


def test_model_that_was_set_is_taken_however_slow(bench: _Bench) -> None:
    bench.thunder_ms = 500.0
    assert bench.taken("thunder", 30).weights.name == "movenet-thunder-int8"
