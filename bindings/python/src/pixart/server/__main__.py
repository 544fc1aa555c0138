"""python -m pixart.server"""

import sys

from . import main

sys.exit(main())
