"""Version of the package, the same as that of the library it is released with."""

__version__ = "1.0.0"
