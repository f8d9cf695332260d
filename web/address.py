"""Under which address this machine is found on the local network."""

from __future__ import annotations

import socket

#: Addresses for documentation (RFC 5737, RFC 3849): connecting a datagram socket sends nothing, but picks the way out.
_ELSEWHERE = ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1"))
_EVERYWHERE = ("", "0.0.0.0", "::")


def lan_address(host: str) -> str | None:
    """This machine's address on its network, of a kind that is served at ``host``; None where it has none."""
    for family, elsewhere in _ELSEWHERE:
        if family == socket.AF_INET6 and host == "0.0.0.0":
            continue
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as probe:
                probe.connect((elsewhere, 9))
                return str(probe.getsockname()[0])
        except OSError:
            continue
    return None


def page_url(host: str, port: int) -> str:
    """The address of the page for people, as ``http://192.168.1.7:8080/``."""
    name = (lan_address(host) or "127.0.0.1") if host in _EVERYWHERE else host
    name = f"[{name}]" if ":" in name else name
    return f"http://{name}/" if port == 80 else f"http://{name}:{port}/"
