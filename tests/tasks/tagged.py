"""Small files of tagged sentences, and recipes that read them."""

from rnncli.tasks.tagging import builtin, task
from rnncli.tasks.tagging.schema import RECIPE

SMALL = {
    "pair_dropout": 0.5,
    "hidden": 6,
    "embedding": 5,
    "characters": 4,
    "character_embedding": 3,
    "affixes": 2,
    "pairs": 3,
}


def conll(count=60, columns=2):
    """Generated sentences as CoNLL columns: word, perhaps its length, tag."""
    lines = []
    for tokens, tags in builtin.generate()[:count]:
        middle = [f" {len(token)}" if columns == 3 else "" for token in tokens]
        lines += [f"{token}{more} {tag}\n" for token, more, tag in zip(tokens, middle, tags, strict=True)]
        lines.append("\n")
    return "".join(lines)


def recipe(folder, text=None, model=None, name="train.conll", **data):
    (folder / name).write_bytes((conll() if text is None else text).encode("utf-8"))
    return RECIPE(data={"root": str(folder), "train": name} | data, model=SMALL | (model or {}))


def fit(its):
    return task.fit(its, task.read(its))
