"""The registry as a page: ``python -m model.metrics_page`` writes ``model/metrics.md``."""

from __future__ import annotations

from pathlib import Path

from model.metrics import METRICS, NOT_MEASURABLE, MetricSpec
from model.pose import View

PAGE = Path(__file__).with_suffix("").with_name("metrics.md")

_INTRO = """# What is measured

Generated from the registry in `metrics.py` by `python -m model.metrics_page`; a test keeps the two together.

* Sides are the runner's own left and right. Signs are mirror-safe: medial is where the other hip lies. But in a
  mirrored film, as a selfie camera may make it, the sides are exchanged.
* A number for a person is a mean over at least 7 stances with its spread (Dingenen 2018). From fewer nothing is
  claimed.
* **SDD** is the smallest detectable difference: below it, a change is not a change. Where no source gives one, the
  uncertainty takes its place; and left and right differ only by more than 1.4 times the uncertainty, too: by more than
  twice of it in the trunk's side lean, which a camera that hangs askew adds to one side and takes from the other.
* **Uncertainty** is how far a session's mean may be off (95 of 100 lie within), the worse of both pose models;
  `validation.md` has where it comes from. It does not shrink with more stances; of FPPA it is larger where the camera
  looks from aside, its place is less sure, or the knee is far inside. A difference from the same runner on the same
  camera is safer than the number itself.
* A run is held against an earlier one of the same runner and view (`comparison.py`): a change is beyond the SDD and the
  difference's own 95 % interval. Where pose model, version, source or the camera's place differ or are not known (from
  the side they never are) it must also be beyond both uncertainties, √(a² + b²); so must the cadence.
* Pelvic drop and hip adduction are against the pelvis in standing, where somebody stood still for three seconds in the
  session, before the steps and as they are seen running (*Set up* calls it calibrating; it is noticed without asking,
  too). Else they are against its mean over whole strides: then a drop of one side only shows about half as large, on
  both sides. Where somebody first stands still amid a run, the mean is of the steps after that, if there are 7 of each
  foot, else of those before.
* The trunk's side lean is against the vertical where the camera's place is known. In stances before that, and where it
  is never known, it is against the picture; where some stances have the former, only those make the mean.
* Knee alignment in the picture has no left − right: a camera that stands aside shows more of one knee's and less of the
  other's.
* What is not measured is null with a reason, never 0. A session's view is that of most of its stances; who turns, and
  is seen from another side for at least 7 stances of a foot, has the measures of that one, too.
* A share of leg length becomes centimetres where the runner's height is known (leg = 0.491 of the height, Winter 2009):
  `step_width_cm` stands beside `step_width_leg` then, in stances, summary and CSV, and `height_cm` is that height.
"""


def _row(spec: MetricSpec) -> str:
    views = " ".join(view for view in View if view in spec.views)
    unsure = ", ".join(f"{view} {value:g}" for view, value in spec.uncertainty.items()) or "–"
    cells = (
        f"`{spec.key}`", spec.label, spec.unit or "–", views, spec.sign, spec.when,
        "–" if spec.sdd is None else f"{spec.sdd:g}", unsure, spec.source,
    )  # fmt: skip
    return f"| {' | '.join(cells)} |"


def page() -> str:
    """The whole page, Markdown."""
    header = "| key | name | unit | views | sign | when | SDD | uncertainty | source |\n|" + " --- |" * 9
    sentences = "\n".join(f"* **{spec.label}**: {spec.sentence}" for spec in METRICS.values())
    missing = "\n".join(f"* {what}: {why}." for what, why in NOT_MEASURABLE.items())
    rows = "\n".join(map(_row, METRICS.values()))
    table = f"{header}\n{rows}\n"
    parts = (_INTRO, table, "## For the runner\n", f"{sentences}\n", "## What cannot be measured\n", missing)
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
