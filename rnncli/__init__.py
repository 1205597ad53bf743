"""A command-line workbench for recurrent sequence models."""

__version__ = "0.1.0"
