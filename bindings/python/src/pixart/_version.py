"""The version of the package, which equals that of the library released with it."""

__version__ = "1.0.0"
