"""`python -m pixart` is the command `pixart`."""

import sys

from .cli import main

sys.exit(main())
