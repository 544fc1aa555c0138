"""The parts of tools/bench.py: workloads, engines, results, and the page."""
