"""N-gram language models: learnt from texts, or read from ARPA files; probabilities of a token after others.

Learnt models are interpolated Kneser-Ney with one discount an order: see :mod:`rnncli.data.text.kneser_ney`. A sentence
begins with a token of its own and ends with another; the unknown token has a share of the uniform distribution below
the single tokens. What is kept is the backoff form.
"""

from __future__ import annotations

import math
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from rnncli.data.encodings import detect, open_text
from rnncli.data.text.kneser_ney import KneserNey
from rnncli.errors import DataError

BEGIN, END, UNKNOWN = "<s>", "</s>", "<unk>"
LOG10 = math.log(10)
LEAST = -99.0
"""What ARPA files write for the logarithm of nothing."""
Gram = tuple[str, ...]


@dataclass(frozen=True)
class NGram:
    """Logarithms (natural) of probabilities and backoff weights of n-grams up to ``order`` tokens."""

    order: int
    logs: dict[Gram, float]
    backoffs: dict[Gram, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if (UNKNOWN,) not in self.logs:
            self.logs[(UNKNOWN,)] = LEAST * LOG10

    def __contains__(self, token: object) -> bool:
        return (token,) in self.logs

    def log(self, token: str, context: Gram = ()) -> float:
        """log p(token | context), the last tokens of the context; an unknown token has the mass kept for such."""
        token = token if (token,) in self.logs else UNKNOWN
        context = context[len(context) - self.order + 1 :] if len(context) >= self.order else context
        owed = 0.0
        while True:
            found = self.logs.get((*context, token))
            if found is not None:
                return owed + found
            owed += self.backoffs.get(context, 0.0)
            context = context[1:]

    def after(self, context: Gram, token: str) -> Gram:
        """The context that follows: as many of its last tokens as can matter."""
        token = token if (token,) in self.logs else UNKNOWN
        return (*context, token)[-(self.order - 1) :] if self.order > 1 else ()

    def start(self) -> Gram:
        """The context at the beginning of a sentence."""
        return (BEGIN,) if self.order > 1 else ()

    def sentence(self, tokens: Sequence[str]) -> float:
        """log p of a whole sentence, its end included."""
        context, total = self.start(), 0.0
        for token in (*tokens, END):
            total += self.log(token, context)
            context = self.after(context, token)
        return total

    def perplexity(self, sentences: Iterable[Sequence[str]]) -> float:
        """exp of minus the mean log probability of a token, ends of sentences counted."""
        total, count = 0.0, 0
        for tokens in sentences:
            total += self.sentence(tokens)
            count += len(tokens) + 1
        return math.exp(-total / count) if count else float("nan")

    def write(self, path: Path) -> None:
        """Write an ARPA file; raises DataError."""
        by_order: defaultdict[int, list[Gram]] = defaultdict(list)
        for gram in sorted(self.logs):
            by_order[len(gram)].append(gram)
        try:
            with path.open("w", encoding="utf-8", newline="\n") as file:
                file.write("\\data\\\n" + "".join(f"ngram {n}={len(by_order[n])}\n" for n in sorted(by_order)))
                for n in sorted(by_order):
                    file.write(f"\n\\{n}-grams:\n")
                    file.writelines(self._line(gram) for gram in by_order[n])
                file.write("\n\\end\\\n")
        except OSError as error:
            raise DataError(f"{path}: cannot be written: {error.strerror or error}") from error

    def _line(self, gram: Gram) -> str:
        backoff = f"\t{self.backoffs[gram] / LOG10:.7g}" if gram in self.backoffs else ""
        return f"{max(LEAST, self.logs[gram] / LOG10):.7g}\t{' '.join(gram)}{backoff}\n"


def learn(sentences: Iterable[Sequence[str]], order: int = 3) -> NGram:
    """A model of the sentences; raises DataError where there are none."""
    numbers: dict[str, int] = {}
    values, bounds = array("q"), [0]
    for tokens in sentences:
        values.extend(numbers.setdefault(token, len(numbers)) for token in (*tokens, END))
        bounds.append(len(values))
    if not values:
        raise DataError("no words to learn a language model from", "is this the right file or column?")
    size = len(numbers) + 1  # the unknown token is one more
    model = KneserNey.learn(np.frombuffer(values, np.int64), np.array(bounds), order, size, discounts=1)
    return _backoff_form(model, [*numbers, UNKNOWN])


def read_arpa(path: Path) -> NGram:
    """The model of an ARPA file; raises DataError with file and line."""
    with open_text(path, detect(path, "auto")) as lines:
        return _parse(enumerate(lines, start=1), str(path))


def _parse(lines: Iterator[tuple[int, str]], name: str) -> NGram:
    logs: dict[Gram, float] = {}
    backoffs: dict[Gram, float] = {}
    n = 0
    for number, line in lines:
        line = line.strip()
        if line.endswith("-grams:") and line.startswith("\\"):
            n = int(line[1:-7]) if line[1:-7].isdigit() else 0
        elif line == "\\end\\":
            if (END,) not in logs:
                raise DataError(f"{name}: an ARPA file without {END}", "it must model the ends of sentences")
            return NGram(max(map(len, logs)), logs, backoffs)
        elif line and n:
            fields = line.split()
            gram = tuple(fields[1 : n + 1])
            try:
                if not n + 1 <= len(fields) <= n + 2:
                    raise ValueError
                logs[gram] = float(fields[0]) * LOG10
                if len(fields) == n + 2:
                    backoffs[gram] = float(fields[-1]) * LOG10
            except ValueError:
                raise DataError(
                    f"{name}:{number}: not a line of an ARPA file's {n}-grams",
                    "log10, tokens, perhaps a backoff weight",
                ) from None
    raise DataError(f"{name}: not a whole ARPA file", "it begins with \\data\\ and ends with \\end\\")


def _backoff_form(model: KneserNey, tokens: Sequence[str]) -> NGram:
    """The n-grams of a model of numbered tokens, in letters."""
    contexts: list[Gram] = [*((token,) for token in tokens), (BEGIN,)]
    logs = dict(zip(contexts, [*np.log(model.shares_V).tolist(), LEAST * LOG10], strict=True))
    backoffs: dict[Gram, float] = {}
    for own in model.orders:
        followed = np.unique(own.keys_G // model.size)
        weights = np.log(own.gammas_C[followed].astype(np.float64)).tolist()
        backoffs |= zip([contexts[number] for number in followed.tolist()], weights, strict=True)
        pairs: list[tuple[int, int]] = np.column_stack(np.divmod(own.keys_G, model.size)).tolist()
        contexts = [(*contexts[context], tokens[token]) for context, token in pairs]
        logs |= zip(contexts, np.log(own.shares_G.astype(np.float64)).tolist(), strict=True)
    return NGram(model.order, logs, backoffs)
