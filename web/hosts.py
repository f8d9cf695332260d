"""Under which names the pages are served.

A foreign page can have its own name lead to this box (DNS rebinding). To the browser the pages here are then its own:
it reads them, tokens and all. The name that the browser asks for gives it away, so only those are served that no
stranger can have lead here: addresses, this machine's own name, names in ``.local``, and what the owner has set. What a
proxy says it was asked for (``X-Forwarded-Host``) is not looked at: any page can say that.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Collection, Iterator
from pathlib import Path

from flask import Response, abort, request

from web.app import box

_RESOLVER = Path("/etc/resolv.conf")
_NAME = r"[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*\.?"
_HOST = re.compile(rf"(?:\[([0-9a-f:.]+)\]|({_NAME}))(?::([0-9]{{1,5}}))?", re.IGNORECASE)
_MAX_PORT = 65_535
_REMEDY = (
    "The page is not served under this name: open it by the box's address or by its own name with .local, "
    "or add the name to [web] names in the box's settings."
)


def refuse() -> None:
    """Stops what was asked of another name; before anything else is looked at."""
    web, asked = box().config.web, request.headers.get("Host", "")
    if _HOST.fullmatch(asked) is None:  # under no name at all Flask makes no addresses, which an error's page has
        abort(Response(f"{_REMEDY}\n", 403, mimetype="text/plain"))
    if not is_served(asked, {web.host, *web.names}):
        abort(403, _REMEDY)


def is_served(asked: str, names: Collection[str]) -> bool:
    """Whether the pages are served under a name.

    Args:
        asked: as a browser sends it, with or without a port.
        names: that the settings tell.
    """
    parts = _HOST.fullmatch(asked)
    if parts is None or int(parts[3] or 0) > _MAX_PORT:
        return False
    name = (parts[1] or parts[2]).lower().removesuffix(".")
    if name == "localhost" or name.endswith(".local") or _is_address(name):
        return True
    return name in {known.lower() for known in names} or name in own_names()


def own_names() -> set[str]:
    """This machine's name, alone and in the domains of its network; both may change while the page is served."""
    full = socket.gethostname().lower()
    short = full.partition(".")[0]
    return {full, short, *(f"{short}.{domain}" for domain in _domains())}


def _domains() -> Iterator[str]:
    """What the network's router calls itself, as the resolver was told."""
    try:
        lines = _RESOLVER.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return
    for words in map(str.split, lines):
        if words[:1] in (["search"], ["domain"]):
            yield from (word.lower().strip(".") for word in words[1:] if word.strip("."))


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
