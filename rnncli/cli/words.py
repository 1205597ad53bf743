"""What a word that was typed may name: data, a recipe, something that is there."""

from __future__ import annotations

from pathlib import Path

from rnncli import tasks
from rnncli.recipe import library

DATA = (".csv", ".tsv", ".json", ".jsonl", ".parquet", ".txt", ".conll", ".conllu", ".bio", ".iob", ".bmes", ".arrow")


def is_data(word: str) -> bool:
    """Whether a word names data, or would: a file or folder that is there, or a name of such a kind."""
    return is_named_data(word) or (Path(word).suffix not in library.SUFFIXES and exists(word))


def is_recipe(word: str, task: str = "") -> bool:
    """Whether a word names a recipe, or would."""
    shipped = {one.name for one in library.find(others=tasks.recipe_folders())}
    return Path(word).suffix in library.SUFFIXES or word in shipped or (bool(task) and f"{task}/{word}" in shipped)


def is_named_data(word: str) -> bool:
    """Whether a word looks like the name of data, whatever is there."""
    suffixes = [suffix.lower() for suffix in Path(word).suffixes if suffix.lower() != ".gz"]
    return (bool(suffixes) and suffixes[-1] in DATA) or word.endswith("/")


def exists(word: str) -> bool:
    """Whether there is a file or folder of that name."""
    try:
        return Path(word).exists()
    except (OSError, ValueError):  # too long or too odd for a file
        return False
