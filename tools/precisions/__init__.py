"""The parts of tools/compare_precisions.py: precisions, stages, similarity, the sheet of images, and the report."""
