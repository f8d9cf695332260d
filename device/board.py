"""Which model, which runtime, how many threads: measured on this board once, and remembered.

int8 differs up to tenfold between runtimes and boards, so figures from elsewhere do not help. The choice is cached in a
small JSON file, keyed by all that it depends on; deleting the file measures anew.
"""

from __future__ import annotations

import json
import logging
import math
import os
import platform
import statistics
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from device.config import home_folder, temporary_folder
from device.whole_file import write_whole
from model.errors import WeightsError
from model.runtime import ModelName, PoseNet, RuntimeName, Weights, available_runtimes, load_weights

log = logging.getLogger(__name__)

_WARM_UP, _RUNS = 4, 12
_MAX_THREADS = 4
#: After so many runs a candidate that was never within this factor of the best is given up.
_GLANCE, _HOPELESS = 2, 2.0
#: Thunder is taken where it leaves this share of the time between two frames free.
_SPARE_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class Choice:
    """A way to run a model on this board.

    Attributes:
        invoke_ms: bare inference when it was measured.
        others_ms: the same of what else was tried, by name.
    """

    runtime: RuntimeName
    threads: int
    invoke_ms: float
    others_ms: Mapping[str, float] = field(default_factory=dict)

    @property
    def label(self) -> str:
        return f"{self.runtime} with {self.threads} thread(s)"


def cache_path(database: Path | None) -> Path:
    """Where measurements are kept: beside the service's database, for the service and for whoever may read there (so
    that `doctor` speaks of the service's own); else in the user's cache, or among what is temporary."""
    beside = None if database is None else database.with_name("board.json")
    if beside is not None and (os.environ.get("STATE_DIRECTORY") or os.access(beside, os.R_OK)):
        return beside
    home = home_folder()
    cache = temporary_folder() if home is None else home / ".cache"
    return Path(os.environ.get("XDG_CACHE_HOME") or cache) / "kneeline" / "board.json"


def board_name() -> str:
    """The Pi's model, or the processor's name."""
    try:
        return Path("/proc/device-tree/model").read_text("utf-8").strip("\0\n ")
    except OSError:
        pass
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        lines = []
    names = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def measure_ms(net: PoseNet, hopeless_ms: float = math.inf) -> float:
    """Time of one bare inference in milliseconds; cut short when it is beyond ``hopeless_ms`` from the start.

    The lower quartile, so that what else the machine does meanwhile hardly counts.
    """
    size = net.weights.size_px
    crop = np.random.default_rng(0).integers(0, 256, (size, size, 3), dtype=np.uint8)
    times_ms: list[float] = []
    for n in range(_WARM_UP + _RUNS):
        start = time.perf_counter()
        net.invoke(crop)
        times_ms.append((time.perf_counter() - start) * 1e3)
        if n == _GLANCE and min(times_ms) > hopeless_ms:
            return min(times_ms)
    return statistics.quantiles(times_ms[_WARM_UP:], n=4)[0]


def kept_choice(weights: Weights, runtime: RuntimeName | None, threads: int, cache: Path) -> Choice | None:
    """What `best_choice` found on this board before; None where it has not been measured."""
    entry = _read(cache).get(_key(weights, runtime, threads))
    try:
        choice = None if entry is None else Choice(**entry)
    except TypeError:  # another version's, or somebody's hand
        return None
    return choice if choice is None or _makes_sense(choice) else None


def _makes_sense(choice: Choice) -> bool:
    """Whether a choice that was kept is one that `best_choice` may have made here."""
    threads, others_ms = choice.threads, choice.others_ms
    return (
        choice.runtime in tuple(available_runtimes())
        and isinstance(threads, int)
        and not isinstance(threads, bool)
        and threads >= 1
        and isinstance(others_ms, dict)
        and all(_is_time(ms) for ms in (choice.invoke_ms, *others_ms.values()))
    )


def _is_time(ms: object) -> bool:
    return isinstance(ms, int | float) and not isinstance(ms, bool) and 0 < ms < math.inf


def best_choice(weights: Weights, runtime: RuntimeName | None, threads: int, cache: Path) -> Choice:
    """The fastest installed runtime and number of threads for ``weights`` on this board.

    Args:
        weights: the model.
        runtime: take this one instead of the fastest.
        threads: take this many instead of the fastest; 0 measures.
        cache: where measurements are kept.

    Raises:
        WeightsError: no runtime is installed, or none can load the weights.
    """
    known = kept_choice(weights, runtime, threads, cache)
    if known is not None:
        return known
    choice = _fastest(weights, runtime, threads)
    _keep(choice, _key(weights, runtime, threads), cache)
    return choice


def _keep(choice: Choice, key: str, cache: Path) -> None:
    _write(cache, _read(cache) | {key: asdict(choice)})


def _key(weights: Weights, runtime: RuntimeName | None, threads: int) -> str:
    versions = [f"{name} {version}" for name, version in available_runtimes().items()]
    return " | ".join([board_name(), str(os.cpu_count()), weights.sha256, *versions, f"{runtime} {threads}"])


def _fastest(weights: Weights, runtime: RuntimeName | None, threads: int) -> Choice:
    found: list[Choice] = []
    faults: list[str] = []
    best_ms = math.inf
    for name, count in _candidates(runtime, threads):
        try:
            net = PoseNet(weights, name, count)
        except WeightsError as error:
            faults.append(str(error))
            continue
        found.append(Choice(name, count, measure_ms(net, _HOPELESS * best_ms)))
        best_ms = min(best_ms, found[-1].invoke_ms)
    if not found:
        raise WeightsError(
            faults[0]
            if faults
            else "no model runtime is installed: `pip install ai-edge-litert` (or tflite-runtime on Python ≤ 3.11)"
        )
    best, *others = sorted(found, key=lambda choice: choice.invoke_ms)
    return replace(best, others_ms={other.label: round(other.invoke_ms, 1) for other in others})


def _candidates(runtime: RuntimeName | None, threads: int) -> Iterator[tuple[RuntimeName, int]]:
    counts = [threads] if threads else sorted({1, min(_MAX_THREADS, os.cpu_count() or 1)})
    for name in [runtime] if runtime else available_runtimes():
        for count in counts:
            yield name, count


def _read(cache: Path) -> dict[str, Any]:
    try:
        known = json.loads(cache.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _write(cache: Path, known: dict[str, Any]) -> None:
    try:
        cache.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        write_whole(cache, json.dumps(known, indent=1).encode(), 0o644)
    except OSError as error:
        log.warning("this board's measurement cannot be kept in %s (%s); it is made at each start", cache, error)


def sustains(choice: Choice, fps: float, mirrored: bool = False) -> bool:
    """Whether inference, of the mirrored picture too or not, leaves a fifth of the time between two frames free."""
    return choice.invoke_ms <= _budget_ms(fps, mirrored)


def _budget_ms(fps: float, mirrored: bool) -> float:
    """What one inference may take."""
    looks = 2 if mirrored else 1
    return 1000 / fps * (1 - _SPARE_SHARE) / looks


def _thunder() -> Weights | None:
    """Its weights; None where they are damaged: coaching goes on with the other model, and `doctor` tells it, too."""
    try:
        return load_weights("thunder")
    except WeightsError as error:
        log.error("%s; until then Lightning is used", error)
        return None


def _measured_again(weights: Weights, choice: Choice, budget_ms: float) -> Choice:
    """The same way to run ``weights``, which took longer than ``budget_ms`` when it was measured: the board may have
    been busy then, as it is while it boots, and the shorter time counts."""
    net = PoseNet(weights, choice.runtime, choice.threads)
    return replace(choice, invoke_ms=min(choice.invoke_ms, measure_ms(net, hopeless_ms=budget_ms)))


def choose_model(
    name: ModelName | None, fps: float, runtime: RuntimeName | None, threads: int, mirrored: bool, cache: Path
) -> PoseNet:
    """The network to run: ``name``, or where None, Thunder if this board sustains ``fps`` with 20 % to spare.

    Where it did not when it was measured, that is looked at again each time.

    Raises:
        WeightsError: the runtime, or the weights of ``name`` or of Lightning, are missing or broken.
    """
    thunder = _thunder() if name is None else None
    if thunder is not None:
        choice = best_choice(thunder, runtime, threads, cache)
        if not sustains(choice, fps, mirrored):
            before, choice = choice, _measured_again(thunder, choice, _budget_ms(fps, mirrored))
            if choice != before:
                _keep(choice, _key(thunder, runtime, threads), cache)
        if sustains(choice, fps, mirrored):
            return PoseNet(thunder, choice.runtime, choice.threads, mirrored=mirrored)
    name = name or "lightning"
    weights = load_weights(name)
    choice = best_choice(weights, runtime, threads, cache)
    return PoseNet(weights, choice.runtime, choice.threads, mirrored=mirrored)
