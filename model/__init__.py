"""Pixels to meaning: arrays in, values out. No clock, thread, hardware, database or HTTP lives here."""
