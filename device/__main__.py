"""``python -m device``: the command line."""

import sys

from device.cli import main

sys.exit(main())
