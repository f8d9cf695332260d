"""Where the tables stand in the documents: between two marks, the first of which names the script that makes them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

_END = "<!-- end of tables -->"


def fill(document: Path, script: str, text: str) -> None:
    """Puts ``text`` in the place of the tables that the script of that name made before; the rest stays."""
    begin = f"<!-- tables: tests/validation/{Path(script).name} -->"
    before, _, rest = document.read_text("utf-8").partition(begin)
    document.write_text(f"{before}{begin}\n{text}\n{_END}{rest.partition(_END)[2]}", "utf-8")


def spread(errors: Sequence[float]) -> str:
    """Root mean square and largest of the errors that are known, as a table says them."""
    known = np.array([error for error in errors if math.isfinite(error)])
    return f"{math.sqrt((known**2).mean()):.1f} / {np.abs(known).max():.1f}" if known.size else "–"
