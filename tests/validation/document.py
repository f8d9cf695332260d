"""What the makers of tables share.

Tables stand in a document between two marks, the first of which names the script that makes them.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

_END = "<!-- end of tables -->"


def fill(document: Path, script: str, text: str) -> None:
    """Puts ``text`` in the place of the tables that the script of that name made before; the rest stays."""
    begin = f"<!-- tables: tests/validation/{Path(script).name} -->"
    before, _, rest = document.read_text("utf-8").partition(begin)
    document.write_text(f"{before}{begin}\n{text}\n{_END}{rest.partition(_END)[2]}", "utf-8")


def rendered(argv: Sequence[str] | None, says: str | None, script: str) -> list[Path]:
    """The films of the folder that the command line names, as ``script`` renders them.

    Raises:
        SystemExit: the folder has none.
    """
    parser = argparse.ArgumentParser(description=says, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("films", type=Path, metavar="DIR")
    folder: Path = parser.parse_args(argv).films
    films = sorted(path.with_suffix(".mp4") for path in folder.glob("*.json"))
    if not films:
        print(f"{folder}: no films here: render them with tests/validation/bodies/{script}", file=sys.stderr)
        raise SystemExit(2)
    return films


def mean_and_largest(errors: Sequence[float], form: str = "+.1f") -> str:
    """Mean and largest of the errors that are known, as a table says them."""
    known = [error for error in errors if math.isfinite(error)]
    return f"{np.mean(known):{form}} / {max(known, key=abs):{form}}" if known else "–"


def spread(errors: Sequence[float]) -> str:
    """Root mean square and largest of the errors that are known, as a table says them."""
    known = np.array([error for error in errors if math.isfinite(error)])
    return f"{math.sqrt((known**2).mean()):.1f} / {np.abs(known).max():.1f}" if known.size else "–"
