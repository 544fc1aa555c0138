"""Tests of batches. A package, because its conftest.py must not hide the one above."""
