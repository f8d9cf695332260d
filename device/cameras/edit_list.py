"""What an MP4 or MOV file shows of the pictures that it holds.

One that was trimmed without coding it anew still holds the pictures from the last whole one before the cut on; its edit
list says that they are not to be shown, and decoders leave them out.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

#: The head of hours of film; a longer one is none.
_MOST_HEAD_BYTES = 64_000_000


def shown_s(path: Path) -> float | None:
    """For how long the file shows pictures, in seconds; None where it is of another kind, or does not say."""
    try:
        head = _head(path)
        mvhd = _inside(head, b"mvhd")
        (per_s,) = struct.unpack_from(">I", mvhd, 20 if _has_long_times(mvhd) else 12)
        for tkhd in _films(head):
            (shown,) = struct.unpack_from(*((">Q", tkhd, 28) if _has_long_times(tkhd) else (">I", tkhd, 20)))
            return shown / per_s if shown and per_s else None
    except (OSError, LookupError, struct.error):
        pass
    return None


def larger_film(path: Path) -> int | None:
    """Which film in the file is the largest, from 0; None where that is the first one, or where it does not say."""
    try:
        sizes = [struct.unpack_from(">II", tkhd, len(tkhd) - 8) for tkhd in _films(_head(path))]
    except (OSError, LookupError, struct.error):
        return None
    areas = [width * height for width, height in sizes]
    return areas.index(max(areas)) or None if areas else None


def _films(head: bytes) -> Iterator[bytes]:
    """The box ``tkhd`` of each track of pictures."""
    for kind, track in _boxes(head):
        if kind == b"trak" and _inside(_inside(track, b"mdia"), b"hdlr")[8:12] == b"vide":
            yield _inside(track, b"tkhd")


def _head(path: Path) -> bytes:
    """What is in the box ``moov``, wherever in the file it stands."""
    end = path.stat().st_size
    with path.open("rb") as file:
        while len(start := file.read(8)) == 8:
            size, kind = struct.unpack(">I4s", start)
            left = struct.unpack(">Q", file.read(8))[0] - 16 if size == 1 else size - 8
            if not 0 <= left <= end - file.tell():  # of another kind, or cut off
                break
            if kind == b"moov" and left <= _MOST_HEAD_BYTES:
                return file.read(left)
            file.seek(left, 1)
    raise LookupError("no moov")


def _boxes(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Kind and content of each box."""
    at = 0
    while at + 8 <= len(content):
        size, kind = struct.unpack_from(">I4s", content, at)
        if size < 8:
            return
        yield kind, content[at + 8 : at + size]
        at += size


def _inside(content: bytes, wanted: bytes) -> bytes:
    found = next((inner for kind, inner in _boxes(content) if kind == wanted), None)
    if found is None:
        raise LookupError(wanted)
    return found


def _has_long_times(box: bytes) -> bool:
    """Whether its times have 64 bits, not 32."""
    return box[0] == 1
