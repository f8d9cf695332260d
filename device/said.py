"""What happens, in plain words for terminal and log."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from device.latency import LatencyWindow
from device.replay import Recorder
from model.coach import Cue
from model.pose import Side
from model.words import counted

#: What a cue says, by its metric, and the unit.
_CUE_WORDS = {
    "fppa_deg": ("knee in", "°"),
    "fppa_image_deg": ("knee in, in the picture", "°"),
    "pelvic_drop_deg": ("leg, pelvis drops", "°"),
    "step_width_leg": ("step narrow", " leg lengths"),
    "cadence_spm": ("step, cadence low", " per minute"),
}


def cue_words(cue: Cue, latency_ms: float) -> str:
    """A cue; ``latency_ms``: from the frame to the pin."""
    what, unit = _CUE_WORDS[cue.metric]
    return (
        f"{cue.t_s:7.2f} s  {cue.side} {what}: {cue.value:.3g}{unit} (threshold {cue.threshold:.3g}{unit}), "
        f"{latency_ms:.0f} ms after the frame"
    )


def session_words(recorder: Recorder, summary: Mapping[str, Any]) -> str:
    """A run that has ended: how much was seen of it, and both knees."""
    parts = [counted(len(recorder.stances), "stance"), counted(len(recorder.cues), "cue")]
    if (cadence := summary["cadence_spm"]) is not None:
        parts.append(f"{cadence:.0f} steps per minute")
    for side in Side:
        fppa = summary[str(side)].get("fppa_deg")
        if fppa is not None and fppa["sd"] is not None:
            parts.append(f"{side} knee {fppa['mean']:.1f} ± {fppa['sd']:.1f}°")
    return "  " + ", ".join(parts)


def latency_words(what: str, window: LatencyWindow) -> str | None:
    """How long something took of late; None where it did not happen."""
    values = window.as_json()
    if not values["n"]:
        return None
    return (
        f"{what}: median {values['p50']:.0f} ms, 99th percentile {values['p99']:.0f} ms, "
        f"worst {values['max']:.0f} ms over {values['n']}"
    )
