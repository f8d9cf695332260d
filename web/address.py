"""Under which address this machine is found on the local network."""

from __future__ import annotations

import socket

#: An address for documentation (RFC 5737): connecting a datagram socket sends nothing, but picks the way out.
_ELSEWHERE = ("192.0.2.1", 9)
_EVERYWHERE = ("", "0.0.0.0", "::")


def lan_address() -> str | None:
    """This machine's address on its network, or None where it has no network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(_ELSEWHERE)
        except OSError:
            return None
        return str(probe.getsockname()[0])


def page_url(host: str, port: int) -> str:
    """The address of the page for people, as ``http://192.168.1.7:8080/``."""
    name = (lan_address() or "127.0.0.1") if host in _EVERYWHERE else host
    name = f"[{name}]" if ":" in name else name
    return f"http://{name}/" if port == 80 else f"http://{name}:{port}/"
