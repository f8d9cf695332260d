"""Writes the commented settings file of an installation to standard output: settings, meanings, defaults."""

from __future__ import annotations

import json
import sys
import textwrap

from device.config import INSTALLED, settings

HEAD = """\
# Kneeline's settings. A line of "#" and a name shows the default; take the "#" away to change it.
# Check:  kneeline config check        Take over:  sudo systemctl restart kneeline.target
"""


def lines() -> list[str]:
    """The file's lines; uncommented, its defaults are those of the program."""
    out, current = [HEAD.rstrip()], ""
    for section, key, field in settings():
        if section != current:
            current = section
            out += ["", f"[{section}]"]
        out += textwrap.wrap(field.description or "", 110, initial_indent="# ", subsequent_indent="# ")
        value = INSTALLED.get((section, key))
        if value is not None:
            out.append(f"{key} = {json.dumps(value)}")
        elif field.default is None:
            out.append(f"#{key} =")
        else:
            out.append(f"#{key} = {json.dumps(field.default, ensure_ascii=False)}")
    return out


if __name__ == "__main__":
    sys.stdout.write("\n".join(lines()) + "\n")
