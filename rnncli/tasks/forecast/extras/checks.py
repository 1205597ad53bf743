def tables(recipe, corpus):
    return []


def findings(corpus):
    return iter(())
