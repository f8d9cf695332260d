"""The store: one SQLite file, written by the device alone, read by everybody else."""

from device.store.database import StoreDamaged
from device.store.lock import StoreInUse
from device.store.people import Person, Runner
from device.store.reader import StoreReader
from device.store.restore import restore
from device.store.writer import SessionHeader, StillRunning, Store, utc_now

__all__ = [
    "Person",
    "Runner",
    "SessionHeader",
    "StillRunning",
    "Store",
    "StoreDamaged",
    "StoreInUse",
    "StoreReader",
    "restore",
    "utc_now",
]
