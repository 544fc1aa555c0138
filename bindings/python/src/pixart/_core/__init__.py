"""The C library in Python: loading, handles, arrays, errors and long calls. Nothing here is public."""
