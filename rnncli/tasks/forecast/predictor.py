class SeriesPredictor:
    pass
