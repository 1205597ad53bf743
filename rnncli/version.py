"""The version, which the package's metadata read as well."""

__version__ = "0.1.0"
