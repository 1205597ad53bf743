"""Few recordings are learnt from: there are steps enough, and the words are those that training has."""

from __future__ import annotations

import csv
import random
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
import soundfile

from rnncli.tasks.decode.language import closed_vocabulary, lexicon_used
from rnncli.tasks.decode.sections import LanguageSection
from tests.commands import rnncli

DIGITS = 8
SIZES = {"train": 48, "dev": 18, "test": 30}


def write_strings(fsdd: Path, folder: Path) -> None:
    """Strings of eight digits, each of one speaker, no recording in two; a csv and a folder for each part."""
    draw, pool = random.Random(0), defaultdict(list)
    rows = list(csv.DictReader((fsdd / "train.csv").open(encoding="utf-8")))
    draw.shuffle(rows)
    for row in rows:
        pool[row["speaker"]].append(row)
    for part, count in SIZES.items():
        (folder / part).mkdir(parents=True)
        lines = ["audio,text"]
        for number in range(count):
            own = pool[sorted(pool)[number % len(pool)]]
            said = [own.pop() for _ in range(DIGITS)]
            sounds = [soundfile.read(fsdd / row["audio"], dtype="int16") for row in said]
            name = f"{part}/{number}.wav"
            soundfile.write(folder / name, np.concatenate([samples for samples, _ in sounds]), sounds[0][1])
            lines.append(f"{name},{' '.join(row['text'] for row in said)}")
        (folder / f"{part}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_48_recordings_of_eight_digits_each_are_enough_for_spoken_digits(seed, real_data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_strings(real_data / "speech/fsdd", Path("strings"))
    done = rnncli("speech", "--data", "strings", f"seed={seed}", "data.cache=cache", "--json")
    assert done.code == 0, done.err
    assert "instead of 30, for at least 720 steps" in done.err
    assert done.json["metrics"]["wer"]["value"] < 0.05


def numbers(count: int, words: int = 10) -> list[str]:
    draw = random.Random(1)
    return [" ".join(draw.choices([f"w{n}" for n in range(words)], k=DIGITS)) for _ in range(count)]


def test_words_that_each_come_in_several_texts_are_taken_for_all_there_are():
    assert closed_vocabulary(numbers(48)) == 10
    assert closed_vocabulary([*numbers(48), "w1 once"]) == 0
    assert closed_vocabulary([]) == closed_vocabulary([""]) == 0


def test_the_same_prompts_again_and_again_say_nothing_of_other_words():
    assert closed_vocabulary(["open the door", "shut the window", "call my mother"] * 100) == 0
    assert closed_vocabulary(["yes", "no"] * 100) == 0


@pytest.mark.parametrize(
    ("keys", "texts", "used"),
    [
        ({}, numbers(48), "train"),
        ({}, ["good morning", "good night"], "none"),
        ({"lm": "train"}, ["good morning"], "train"),
        ({"lexicon": "none"}, numbers(48), "none"),
        ({"lexicon": "words.txt"}, numbers(48), "words.txt"),
    ],
)
def test_a_lexicon_is_used_where_words_are_few_unless_the_recipe_says_which(keys, texts, used):
    lexicon, why = lexicon_used(LanguageSection(**keys), texts)
    assert lexicon == used
    assert ("only the 10 words of train" in why) == (not keys and used == "train")
