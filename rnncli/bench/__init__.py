"""Measurements of speed: ``core`` beside its rivals (``contenders``), ``phases`` of a training step, ``peaks``."""
