"""The parts of tools/compare_precisions.py: precisions, stages, measures, pictures, and the report."""
