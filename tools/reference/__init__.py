"""The parts of tools/compare_reference.py: what is compared, the reference, the measures, and the report."""
