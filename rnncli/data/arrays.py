"""What files of arrays go wrong with."""

import tokenize

DAMAGED = (
    ValueError,
    EOFError,
    AttributeError,
    TypeError,
    LookupError,
    ArithmeticError,
    MemoryError,
    SyntaxError,
    tokenize.TokenError,
)
"""What numpy and h5py raise, beside OSError, for damaged files and for headers that claim what cannot be."""
