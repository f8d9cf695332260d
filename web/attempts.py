"""Slows down who guesses passwords: after five wrong ones in a row an address must wait, longer each time."""

from __future__ import annotations

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from device.address import plain

FREE = 5
_FIRST_WAIT_S = 5.0
LONGEST_WAIT_S = 60.0
#: Without a try for this long an address is forgotten.
_FORGOTTEN_AFTER_S = 900.0
#: More than the addresses of a usual home or gym network; beyond it the one that was quiet longest is forgotten.
MAX_ADDRESSES = 1024
_IPV6_NETWORK_BITS = 64


@dataclass(frozen=True, slots=True)
class _Wrong:
    """Wrong tries of one address: how many in a row, and when the last one was."""

    tries: int
    at_s: float

    def wait_s(self) -> float:
        """How long the next try must wait from the last one on."""
        if self.tries < FREE:
            return 0.0
        return min(LONGEST_WAIT_S, _FIRST_WAIT_S * 2.0 ** min(self.tries - FREE, 10))


class Attempts:
    """Wrong passwords in a row, by address. Not locked: its owner lets one thread in at a time.

    Args:
        clock_s: seconds that only go forward.
    """

    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._clock_s = clock_s
        self._wrong: OrderedDict[str, _Wrong] = OrderedDict()

    def __len__(self) -> int:
        return len(self._wrong)

    def wait_s(self, address: str) -> float:
        """Seconds before this address may try again; 0: now."""
        found = self._wrong.get(_network(address))
        return 0.0 if found is None else max(0.0, found.at_s + found.wait_s() - self._clock_s())

    def wrong(self, address: str) -> int:
        """Notes a wrong password. Returns how many there were in a row."""
        network, now_s = _network(address), self._clock_s()
        before = self._wrong.pop(network, None)
        if before is not None and now_s - before.at_s > _FORGOTTEN_AFTER_S:
            before = None
        tries = 1 if before is None else before.tries + 1
        self._wrong[network] = _Wrong(tries, now_s)
        if len(self._wrong) > MAX_ADDRESSES:
            self._wrong.popitem(last=False)
        return tries

    def right(self, address: str) -> None:
        """Forgets the wrong ones of this address."""
        self._wrong.pop(_network(address), None)


def _network(address: str) -> str:
    """What one machine cannot change at will: its IPv4 address, or the network of its IPv6 address."""
    known = plain(address)
    if isinstance(known, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((int(known), _IPV6_NETWORK_BITS), strict=False))
    return address if known is None else str(known)
