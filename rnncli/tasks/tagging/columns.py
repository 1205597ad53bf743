"""What columns of words are called."""

TOKEN_NAMES = ("tokens", "words", "form", "token", "word", "sentence", "text")
