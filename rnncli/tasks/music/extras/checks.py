"""Tables of the pieces."""


def tables(recipe, corpus):
    return []
