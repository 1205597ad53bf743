"""Rows of models that write, and what is known beside them, as a run would keep them."""

import json

import numpy as np

from rnncli.data.steps import Steps
from rnncli.tasks.write.scoring import midi_frames, music_blocks, music_rows, text_blocks, text_rows, text_truth

TEXT = "It was the best of times, it was the worst of times.\nWe had everything before us, naïve as we were. " * 260
WEIGHTS = {"n-gram": {"model": 0.71, "n-gram": 0.29}, "n-gram, cache": {"model": 0.6, "n-gram": 0.3, "cache": 0.1}}
COPIED = [("samples at 0.5", 102, 0.31), ("samples at 1", 41, None), ("held-out text", 38, 0.009)]


class Letters:
    """Symbols that are the characters of a text."""

    def __init__(self, text):
        self.letters = sorted(set(text))

    def token(self, number):
        return self.letters[number]

    def text(self, numbers):
        return "".join(self.letters[number] for number in numbers)

    def steps(self, text):
        return Steps.of([np.array([self.letters.index(letter) for letter in text])])


def text_run(text=TEXT, *, skill=1.0, unknown=0, helped=True, seed=0):
    """Rows and about of a model of characters, the better the higher its skill."""
    codec, random = Letters(text), np.random.default_rng(seed)
    steps = codec.steps(text)
    nats_N = random.exponential(1.5 / skill, len(text))
    unknown_N = np.arange(len(text)) < unknown
    blocks = text_blocks(steps, None, np.array([len(letter.encode()) for letter in text], np.uint8), unknown_N)
    ways = {name: nats_N * share for name, share in (("n-gram", 0.95), ("n-gram, cache", 0.93))}
    ways["dynamic evaluation"] = nats_N * 0.97
    places, truths = ["a.txt"], [text_truth([text])]
    ways = ways if helped else None
    rows = list(text_rows(blocks, steps, nats_N, codec=codec, places=places, truths=truths, helped=ways))
    about = {"unit": "character", "weights": WEIGHTS if helped else {}, "inexact": []}
    samples = [{"temperature": t, "text": f"It was {t}\nand \x1b[31mred " + "so on " * 60} for t in (0.5, 0.8, 1.0)]
    copied = [{"of": name, "longest": longest, "share": share} for name, longest, share in COPIED]
    about |= {"samples": samples, "copied": {"counted": "characters", "length": 40, "rows": copied}}
    return json.loads(json.dumps(rows)), json.loads(json.dumps(about))


def music_run(*, form="rolls", seen=True, frames=96, pieces=12, seed=0):
    """Rows and about of a model of chords, or of four voices."""
    random = np.random.default_rng(seed)
    chords = np.sort(np.stack([random.permutation(36)[:4] for _ in range(8)]), 1).astype(np.int16)
    steps = Steps.of([np.repeat(chords[random.integers(0, 8, frames // 4)], 4, 0) for _ in range(pieces)])
    if form == "voices":
        steps.values[::7, 1] = 88
    blocks = music_blocks(steps, first=False)
    nats_N = random.exponential(5, len(steps.values))
    places = [f"tunes/{d}.mid" for d in range(pieces)]
    made = music_rows(
        blocks, steps, nats_N, pitches=lambda one: midi_frames(one, 48, 88), places=places, seconds=[0.125] * pieces
    )
    rows = [row | ({"seen": 0.9 if row["example"] < 2 else 0.1} if seen else {}) for row in made]
    written = midi_frames(steps.values[:100], 48, 88)
    samples = [{"temperature": t, "frames": written} for t in (0.8, 1.0)]
    copied = [{"of": "samples", "longest": 11, "share": 0.2}, {"of": "held-out pieces", "longest": 9, "share": 0.1}]
    about = {"form": form, "beat": 4, "samples": samples}
    about["copied"] = {"counted": "chords", "length": 8, "rows": copied}
    return json.loads(json.dumps(rows)), json.loads(json.dumps(about))
