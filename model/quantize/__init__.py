"""Rebuilds the int8 MoveNet weights from the public float model, and measures what the rounding costs.

A tool for the developer's machine: nothing that runs on the treadmill imports it. See README.md beside this file.
"""
