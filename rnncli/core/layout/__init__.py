"""How a batch lies in memory: ``packed`` without padding, or ``padded``; ``buffers`` lends the memory."""
