"""The store: one SQLite file, written by the device alone, read by everybody else."""

from device.store.database import StoreDamaged
from device.store.people import Person, Runner
from device.store.reader import StoreReader
from device.store.writer import SessionHeader, StillRunning, Store, StoreInUse, utc_now

__all__ = [
    "Person",
    "Runner",
    "SessionHeader",
    "StillRunning",
    "Store",
    "StoreDamaged",
    "StoreInUse",
    "StoreReader",
    "utc_now",
]
