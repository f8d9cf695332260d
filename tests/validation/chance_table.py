"""Runs drawn by chance, through the whole pipeline: writes the last tables of model/other_bodies.md.

    python tests/validation/chance_table.py DIR

DIR holds the films and truths that `bodies/chance.py` made. The lens is told; the belt's speed and the runner's height
once, and once not.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPO))

from tests.validation.bodies_table import (  # noqa: E402
    DOCUMENT,
    MODELS,
    Seen,
    cameras_summary,
    cameras_table,
    see_told,
)
from tests.validation.document import fill, rendered  # noqa: E402


def main(argv: Sequence[str] | None = None) -> int:
    films = rendered(argv, __doc__, "chance.py")
    seen: dict[tuple[str, str], tuple[Seen, Seen]] = {}
    for film in films:
        for model in MODELS:
            seen[film.stem, model] = see_told(film, model)
    parts = ["### All together", "", *cameras_summary(seen), "", "### Film by film", "", *cameras_table(seen)]
    fill(DOCUMENT, __file__, "\n" + "\n".join(parts) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
