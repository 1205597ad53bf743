"""Forecasts of a user's own histories."""


class SeriesPredictor:
    """Not yet."""
