"""The parts of tools/bench.py: what is timed, the engines, the results, and the page made of them."""
