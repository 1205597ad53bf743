"""N-gram language models: learnt from texts, or read from ARPA files; probabilities of a token after others.

Learnt models are interpolated Kneser-Ney with one discount an order (Chen & Goodman 1998, equations 24 to 27):

    p(w | h) = max(c(h w) - d, 0) / c(h .) + gamma(h) p(w | h'),   gamma(h) = d n(h .) / c(h .),   d = n1 / (n1 + 2 n2)

where h' is h without its first token, c counts occurrences in the highest order (and after the beginning of a sentence)
and different predecessors below, n(h .) counts different successors, n1 and n2 n-grams seen once and twice. Below the
unigrams lies the uniform distribution over the vocabulary with the unknown token. What is kept is the backoff form.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from rnncli.data.encodings import detect, open_text
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
    counts = _count(sentences, order)
    if not counts[0]:
        raise DataError("no words to learn a language model from", "is this the right file or column?")
    counts = _continuations(counts)
    logs: dict[Gram, float] = {(BEGIN,): LEAST * LOG10}
    backoffs: dict[Gram, float] = {}
    uniform = 1.0 / (len(counts[0]) + 1)  # the unknown token is one more
    shares: dict[Gram, float] = {}
    for own in counts:
        totals, kinds = Counter[Gram](), Counter[Gram]()
        for gram, count in own.items():
            totals[gram[:-1]] += count
            kinds[gram[:-1]] += 1
        discount = _discount(own)
        gammas = {context: discount * kinds[context] / totals[context] for context in totals}
        for gram, count in own.items():
            context = gram[:-1]
            below = shares[gram[1:]] if context else uniform
            shares[gram] = (count - discount) / totals[context] + gammas[context] * below
            logs[gram] = math.log(shares[gram])
        if () in gammas:
            logs[(UNKNOWN,)] = math.log(gammas[()] * uniform)
        else:
            backoffs |= {context: math.log(gamma) for context, gamma in gammas.items()}
    return NGram(order, logs, backoffs)


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


def _count(sentences: Iterable[Sequence[str]], order: int) -> list[Counter[Gram]]:
    """How often each n-gram occurs, for each n; the beginning of a sentence is context only."""
    counts = [Counter[Gram]() for _ in range(order)]
    for tokens in sentences:
        padded = (BEGIN, *tokens, END)
        for end in range(1, len(padded)):
            for n in range(1, min(order, end + 1) + 1):
                counts[n - 1][padded[end - n + 1 : end + 1]] += 1
    return counts


def _continuations(counts: list[Counter[Gram]]) -> list[Counter[Gram]]:
    """Below the highest order the number of different tokens before an n-gram, but not where a sentence begins."""
    found = []
    for lower, higher in pairwise(counts):
        before: Counter[Gram] = Counter(gram[1:] for gram in higher)
        found.append(Counter({gram: count if gram[0] == BEGIN else before[gram] for gram, count in lower.items()}))
    return [*found, counts[-1]]


def _discount(counts: Counter[Gram]) -> float:
    """d of the counts, kept off 0 and 1 where a small text has none seen once or twice."""
    once, twice = (sum(count == n for count in counts.values()) for n in (1, 2))
    return min(0.95, max(0.1, once / (once + 2 * twice) if once else 0.5))
