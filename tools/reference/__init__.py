"""The parts of tools/compare_reference.py: cases, the reference, measures, and the report."""
