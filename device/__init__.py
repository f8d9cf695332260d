"""The world: cameras, pins, time, threads, sessions, the store and the command line."""
