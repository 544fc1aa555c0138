"""`python -m pixart.batch`."""

import argparse
import sys

from . import add_arguments, run

parser = argparse.ArgumentParser(prog="pixart batch")
add_arguments(parser)
sys.exit(run(parser.parse_args()))
