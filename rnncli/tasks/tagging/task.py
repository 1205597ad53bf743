"""Sequence tagging: a tag for each word, or spans written as tags."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from rnncli.data.jsonfile import read_json, write_json
from rnncli.data.text.tagschemes import INTERNAL, OUTSIDE, Scheme, named, read_spans
from rnncli.data.text.vectors import read_vectors
from rnncli.errors import DataError, RunError
from rnncli.heads.crf import CRF
from rnncli.report.build import Evaluation
from rnncli.tasks.base import Batches, Corpus, Metrics
from rnncli.tasks.tagging import checks, metrics
from rnncli.tasks.tagging.baselines import MostFrequentTag, has_crfsuite, linear_crf
from rnncli.tasks.tagging.data import read_corpus, read_part
from rnncli.tasks.tagging.examples import UNSEEN, TaggingBatch, TaggingExamples, encode
from rnncli.tasks.tagging.lexicon import Lexicon
from rnncli.tasks.tagging.mixing import MixedPart
from rnncli.tasks.tagging.model import Tagger
from rnncli.tasks.tagging.predictor import TagPredictor
from rnncli.tasks.tagging.schema import TaggingRecipe
from rnncli.tasks.tagging.sentences import SentencePart

KIND = "tags"
ONE_CHARACTER = 1.5
"""Characters a word, on average, below which words are taken to be characters."""


class FittedTagging:
    """Lexicon, tags and scheme of the training part, and the model they lead to."""

    def __init__(
        self,
        recipe: TaggingRecipe,
        lexicon: Lexicon,
        tags: Sequence[str],
        scheme: Scheme | None,
        layout: Mapping[str, Any],
        *,
        fresh: bool = False,
        notes: tuple[str, ...] = (),
    ) -> None:
        self.recipe, self.lexicon, self.tags, self.scheme = recipe, lexicon, tuple(tags), scheme
        self.layout, self.fresh, self.notes = dict(layout), fresh, notes
        self.best_by = "f1" if scheme else "accuracy"
        # A CRF's tags are valid as they are; then each tag by itself says how the user writes it.
        alone = scheme is not None and scheme.name != "IOB1" and recipe.model.head == "crf"
        self._written = [scheme.rename(tag) for tag in self.tags] if alone and scheme else None
        self._number = {tag: k for k, tag in enumerate(self.tags)}

    def save(self, folder: Path) -> None:
        """Write the lexicon, and the tags with their scheme."""
        self.lexicon.save(folder)
        scheme = [self.scheme.name, self.scheme.separator] if self.scheme else None
        write_json(folder / "tags.json", KIND, {"tags": list(self.tags), "scheme": scheme, "layout": self.layout})

    @classmethod
    def load(cls, recipe: TaggingRecipe, folder: Path) -> FittedTagging:
        """What ``save`` wrote; raises RunError."""
        path = folder / "tags.json"
        body = read_json(path, KIND)
        try:
            scheme = replace(named(body["scheme"][0]), separator=body["scheme"][1]) if body["scheme"] else None
            return cls(recipe, Lexicon.load(folder), [str(tag) for tag in body["tags"]], scheme, body["layout"])
        except (KeyError, TypeError, IndexError, DataError) as error:
            raise RunError(f"{path}: holds no tags and scheme", "take it from a copy of the run") from error

    def encode(self, part: SentencePart, *, training: bool = False) -> TaggingExamples:
        """Sentences to numbers; a tag that training does not have is no number and always wrong."""
        data = self.recipe.data
        mixed = MixedPart(part, data.mixed_copies, data.mixed_share, self.recipe.seed) if training else part
        numbers = ([self._number.get(tag, UNSEEN) for tag in tags] for tags in mixed.tags())
        return encode(self.lexicon, mixed.sentences(), numbers, mixed, data.context)

    def build(self) -> nn.Module:
        """A new tagger; its embeddings start from the vectors file where the recipe names one."""
        settings = self.recipe.model
        head = CRF(len(self.tags), **(allowed(self.tags) if self.scheme else {})) if settings.head == "crf" else None
        model = Tagger(self.lexicon, settings, len(self.tags), head)
        if settings.vectors and self.fresh:
            word, size = self.lexicon.vocabularies["word"], settings.embedding
            scale = settings.embedding_scale
            vectors = read_vectors(Path(settings.vectors), word, dimension=size, seed=self.recipe.seed, scale=scale)
            for member in model.members:
                table = member.words.tables[0]
                assert isinstance(table, nn.Embedding)
                table.weight.data.copy_(torch.from_numpy(vectors.matrix))
        return model

    def kernel(self, model: nn.Module) -> str:
        """Which recurrent path the model takes and why."""
        assert isinstance(model, Tagger)
        first = model.members[0]
        return first.core.kernel(first.linear.weight.device)

    def parameter_groups(self, model: nn.Module) -> list[dict[str, Any]]:
        """Weights decay, biases do not."""
        return shared.parameter_groups(model)

    def loss(self, model: nn.Module, batch: TaggingBatch) -> Tensor:
        """The mean over words of minus the log probability of their tags."""
        assert isinstance(model, Tagger)
        return model.loss(batch)

    def validate(self, model: nn.Module, examples: TaggingExamples, batches: Batches) -> Metrics:
        """Every metric of the tagger, and ``loss`` over the sentences whose tags are all known."""
        assert isinstance(model, Tagger)
        predicted: list[list[str]] = [[]] * len(examples)
        total = words = 0
        for indices, batch in batches():
            for i, tags in zip(indices, self._decoded(model.decode(batch), batch), strict=True):
                predicted[i] = tags
            count = int(batch.lengths_B[(batch.tags_BT != UNSEEN).all(1).cpu()].sum())
            if count:
                total, words = total + model.loss(batch).item() * count, words + count
        assert isinstance(examples.part, SentencePart)
        found = self._scored(examples.part, predicted, examples.known).metrics()
        return found | {"loss": total / words if words else float("nan")}

    def evaluate(self, model: nn.Module, part: SentencePart, examples: TaggingExamples, batches: Batches) -> Evaluation:
        """Metrics with intervals, types or tags, confusions, the most frequent mistakes, predictions."""
        predicted: list[list[str]] = [[]] * len(examples)
        sure: list[np.ndarray] = [np.zeros((0, 2))] * len(examples)
        for indices, batch in batches():
            for i, tags, probabilities in zip(indices, *self.predict(model, batch), strict=True):
                predicted[i], sure[i] = tags, probabilities
        scored = self._scored(part, predicted, examples.known)
        found = metrics.evaluate(scored, sure, part, self.recipe.evaluation, self.recipe.seed)
        return replace(found, notes=tuple(self._unseen(part)))

    def predict(self, model: nn.Module, batch: TaggingBatch) -> tuple[list[list[str]], list[np.ndarray]]:
        """The tags of each sentence, and the probability of each by itself and given the tag before it, (T, 2)."""
        assert isinstance(model, Tagger)
        best_BT, sure_BT2 = model.probabilities(batch)
        rows = zip(sure_BT2.double().cpu().numpy(), batch.lengths_B.tolist(), strict=True)
        return list(self._decoded(best_BT, batch)), [row[:length] for row, length in rows]

    def baselines(self, parts: Mapping[str, SentencePart], split: str) -> tuple[dict[str, Metrics], tuple[str, ...]]:
        """Every word's most frequent tag; a linear CRF where CRFsuite is installed."""
        train, test = parts["train"], parts[split]
        frequent = MostFrequentTag(train.tokens(), train.tags())
        seen = {word for tokens in train.tokens() for word in tokens}
        known = np.array([word in seen for tokens in test.tokens() for word in tokens], dtype=bool)
        predicted = {"most frequent tag": list(frequent.tag(test.tokens()))}
        note = ""
        if has_crfsuite():
            learn = zip(train.sentences(), train.tags(), strict=True)
            predicted["linear crf"], note = linear_crf(learn, test.sentences())
        found = {name: self._scored(test, tags, known).metrics() for name, tags in predicted.items()}
        return found, (note,) if note else ()

    def predictor(self, model: nn.Module, device: torch.device) -> TagPredictor:
        """A predictor around a trained tagger."""
        return TagPredictor(self, model, device)

    def names(self, numbers: np.ndarray) -> list[str]:
        """Tags in the internal scheme, valid."""
        return self._valid([self.tags[k] for k in numbers.tolist()])

    def written(self, numbers: np.ndarray) -> list[str]:
        """Tags as the user writes them."""
        if self._written is not None:
            return [self._written[k] for k in numbers.tolist()]
        tags = [self.tags[k] for k in numbers.tolist()]
        return tags if self.scheme is None else self.scheme.write(read_spans(tags, INTERNAL)[0], len(tags))

    def _scored(self, part: SentencePart, predicted: list[list[str]], known: np.ndarray) -> metrics.Scored:
        """Predictions in the internal scheme beside the truth."""
        truth = list(part.tags())
        if self.scheme is None:
            return metrics.Scored(truth, predicted, known)
        strict = self.recipe.evaluation.scorer == "strict"
        true = [read_spans(tags, part.scheme or INTERNAL, strict=strict)[0] for tags in part.raw_tags()]
        found = [read_spans(tags, INTERNAL, strict=strict)[0] for tags in predicted]
        return metrics.Scored(truth, [self._valid(tags) for tags in predicted], known, (true, found))

    def _decoded(self, tags_BT: Tensor, batch: TaggingBatch) -> Iterator[list[str]]:
        for numbers, length in zip(tags_BT.tolist(), batch.lengths_B.tolist(), strict=True):
            yield [self.tags[k] for k in numbers[:length]]

    def _valid(self, tags: list[str]) -> list[str]:
        """Spans repaired as conlleval reads them, which the CRF never needs."""
        return tags if self.scheme is None else INTERNAL.write(read_spans(tags, INTERNAL)[0], len(tags))

    def _unseen(self, part: SentencePart) -> Iterator[str]:
        """A sentence on tags that the training part does not have, where there are any."""
        found: Counter[str] = Counter()
        place = ""
        for row, tags in enumerate(part.tags()):
            for tag in tags:
                if tag not in self._number:
                    place = place or part.table.place(row)
                    found[tag] += 1
        if found:
            names = ", ".join(name for name, _ in found.most_common(5)) + (", ..." if len(found) > 5 else "")
            yield f"{place}: from here on {found.total():,} words have tags that training has not ({names}): all wrong"


class Tagging:
    """The task: see :class:`rnncli.tasks.base.Task`."""

    def read(self, recipe: TaggingRecipe) -> Corpus:
        """Read and split tagged sentences."""
        return read_corpus(recipe)

    def read_more(self, recipe: TaggingRecipe, path: Path) -> Corpus:
        """A further labelled file."""
        return read_part(recipe, path)

    def fit(self, recipe: TaggingRecipe, corpus: Corpus) -> FittedTagging:
        """Lexicon and tags of the training part."""
        train: SentencePart = corpus.parts["train"]
        recipe, note = suited(recipe, train)
        counts = Counter(tag for tags in train.tags() for tag in tags)
        if len(counts) < 2:
            raise DataError(
                f"{train.table.place(0)}: the training part has only the tag {next(iter(counts))}; two are needed",
                "is this the right --tag-column?",
            )
        if recipe.data.mixed_copies and train.scheme is None:
            raise DataError(
                f"{train.place(0)}: data.mixed_copies exchanges spans, but the tags are none", "leave it out"
            )
        lexicon = Lexicon.learn(recipe, train.sentences())
        tags = sorted(counts, key=lambda tag: (tag != OUTSIDE, tag[2:] if train.scheme else tag, tag))
        columns = train.columns
        layout: dict[str, Any] = {"columns": train.table.columns, "token": columns.token, "tag": columns.tag_name}
        layout |= {"features": list(columns.features), "by_character": word_size(train) < ONE_CHARACTER}
        return FittedTagging(recipe, lexicon, tags, train.scheme, layout, fresh=True, notes=(note,) if note else ())

    def load(self, recipe: TaggingRecipe, folder: Path) -> FittedTagging:
        """What a run kept."""
        return FittedTagging.load(recipe, folder)

    def check(self, recipe: TaggingRecipe, corpus: Corpus) -> list[tuple[str, list[str], list[list[str]]]]:
        """Tables of sizes, tags, coverage, inconsistent words and leaks."""
        return checks.tables(recipe, corpus)


def suited(recipe: TaggingRecipe, train: SentencePart) -> tuple[TaggingRecipe, str]:
    """The recipe for these words: where they are single characters there are no ends and no characters to look at."""
    if word_size(train) >= ONE_CHARACTER or not (recipe.model.characters or recipe.model.affixes):
        return recipe, ""
    pairs = recipe.model.pairs or recipe.model.embedding // 2
    model = recipe.model.model_copy(update={"characters": 0, "affixes": 0, "pairs": pairs})
    note = f"words are single characters: read with pairs of neighbours ({pairs}), without characters and affixes"
    return recipe.model_copy(update={"model": model}), note


def word_size(part: SentencePart) -> float:
    """Characters a word, on average over the first thousand sentences."""
    sizes = [len(word) for _, tokens in zip(range(1000), part.tokens(), strict=False) for word in tokens]
    return float(np.mean(sizes)) if sizes else 0.0


def allowed(tags: Sequence[str]) -> dict[str, Tensor]:
    """Which tags may follow each other, begin and end a sentence so that spans in BIOES are whole."""
    opens = torch.tensor([tag[0] in "BI" for tag in tags])  # a span is open behind these
    goes_on = torch.tensor([tag[0] in "IE" for tag in tags])
    kinds = [tag[1:] for tag in tags]
    same_KK = torch.tensor([[one == other for other in kinds] for one in kinds])
    allowed_KK = torch.where(opens[:, None], goes_on & same_KK, ~goes_on)
    return {"allowed_KK": allowed_KK, "allowed_start_K": ~goes_on, "allowed_end_K": ~opens}


TASK = Tagging()
