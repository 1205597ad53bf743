"""Streams of symbols, where tasks look for them: see rnncli.data.steps."""

from rnncli.data.steps import Steps

__all__ = ["Steps"]
