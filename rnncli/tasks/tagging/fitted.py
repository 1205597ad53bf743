"""A tagger fitted to its training part: what is known of words, tags and their scheme, and the model they lead to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from rnncli.data.jsonfile import read_json, write_json
from rnncli.data.text.neighbours import Given
from rnncli.data.text.tagschemes import INTERNAL, Scheme, Span, named, read_spans
from rnncli.data.text.vectors import read_vectors
from rnncli.errors import DataError, RunError
from rnncli.heads.crf import CRF
from rnncli.metrics.statistics import Statistics
from rnncli.tasks.base import About, Axes, Batches, Metrics, Names, Rivals
from rnncli.tasks.common.tables import table_of
from rnncli.tasks.tagging.answers import place_of, row, valid
from rnncli.tasks.tagging.data import Columns, SentencePart
from rnncli.tasks.tagging.examples import UNSEEN, TaggingBatch, TaggingExamples, encode
from rnncli.tasks.tagging.extras.baselines import MostFrequentTag, has_crfsuite, linear_crf
from rnncli.tasks.tagging.extras.lexicon import Lexicon
from rnncli.tasks.tagging.extras.mixing import MixedPart
from rnncli.tasks.tagging.metrics import Scored
from rnncli.tasks.tagging.model import Tagger, allowed
from rnncli.tasks.tagging.schema import TaggingRecipe
from rnncli.tasks.teaching import SoftTargets, Teaching, shares_of

KIND, FILE = "tags", "tags.json"


class FittedTagging:
    """See :class:`rnncli.tasks.base.Fitted`; ``scheme`` None says that tags are no spans."""

    few_apart = 0.1

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
        self.strict = recipe.evaluation.scorer == "strict"
        # A CRF's tags are valid as they are; then each tag by itself says how the user writes it.
        alone = scheme is not None and scheme.name != "IOB1" and recipe.model.head == "crf"
        self._written = [scheme.rename(tag) for tag in self.tags] if alone and scheme else None
        self._number = {tag: k for k, tag in enumerate(self.tags)}

    @property
    def about(self) -> About:
        """The tags that training has."""
        return {"tags": list(self.tags)}

    def save(self, folder: Path) -> None:
        """Write the lexicon, and the tags with their scheme."""
        self.lexicon.save(folder)
        scheme = [self.scheme.name, self.scheme.separator] if self.scheme else None
        write_json(folder / FILE, KIND, {"tags": list(self.tags), "scheme": scheme, "layout": self.layout})

    @classmethod
    def load(cls, recipe: TaggingRecipe, folder: Path) -> FittedTagging:
        """What ``save`` wrote; raises RunError."""
        path = folder / FILE
        body = read_json(path, KIND)
        try:
            scheme = replace(named(body["scheme"][0]), separator=body["scheme"][1]) if body["scheme"] else None
            return cls(recipe, Lexicon.load(folder), [str(tag) for tag in body["tags"]], scheme, body["layout"])
        except (KeyError, TypeError, IndexError, DataError) as error:
            raise RunError(f"{path}: holds no tags and scheme", "take it from a copy of the run") from error

    def encode(self, part: SentencePart, *, training: bool = False) -> TaggingExamples:
        """Sentences to numbers; a tag that training does not have is no number and always wrong."""
        data = self.recipe.data
        return self._encoded(
            MixedPart(part, data.mixed_copies, data.mixed_share, self.recipe.seed) if training else part
        )

    def build(self) -> Tagger:
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

    @property
    def words(self) -> int:
        """Words of the lexicon."""
        return len(self.lexicon.vocabularies["word"].tokens)

    def with_words(self, most: int, train: SentencePart) -> FittedTagging:
        """The same with the ``most`` most frequent words, and that share of the pairs of neighbours."""
        recipe = self.recipe.having({"data.max_vocabulary": most})
        lexicon = self.lexicon.cut(most / max(1, self.words))
        return FittedTagging(recipe, lexicon, self.tags, self.scheme, self.layout, notes=self.notes)

    @property
    def core_names(self) -> tuple[str, ...]:
        """One for each member."""
        return tuple(f"scorers.{number}.core" for number in range(self.recipe.model.members))

    def output_axes(self, model: Tagger, outputs: Mapping[str, Names]) -> Axes:
        """What the linear layers read: the outputs, and behind them what the core reads itself."""
        known = tuple(("read", number) for number in range(model.members[0].core.input_size))
        return {
            f"{name.removesuffix('core')}linear.weight": (None, (*names, *known)) for name, names in outputs.items()
        }

    def axes(self) -> Axes:
        """Words, affixes, characters, columns and pairs by their vocabularies; tags."""
        vocabularies, names = self.lexicon.vocabularies, ("word", *self.lexicon.affixes)
        tables = [0, *range(2, 1 + len(names))]  # the second is of shapes, which are always the same
        known = {f"scorers.*.words.tables.{at}.weight": name for at, name in zip(tables, names, strict=True)}
        known |= {f"scorers.*.places.{name}.weight": name for name in self.lexicon.positions}
        known |= {"scorers.*.words.character_table.weight": "character"} if "character" in vocabularies else {}
        return {pattern: (vocabularies[name].names,) for pattern, name in known.items()} | {
            "scorers.*.linear.*": (self.tags,),
            "head.transition_KK": (self.tags, self.tags),
            "head.*": (self.tags,),
        }

    def loss(self, model: Tagger, batch: TaggingBatch) -> Tensor:
        """The mean over words of minus the log probability of their tags."""
        return model.loss(batch)

    def taught_loss(self, model: Tagger, batch: TaggingBatch, teaching: Teaching) -> Tensor:
        """See :class:`rnncli.tasks.teaching.Teachable`."""
        return model.taught_loss(batch, teaching)

    @property
    def outcomes(self) -> tuple[str, ...]:
        """The tags in the internal scheme."""
        return self.tags

    def encode_to_teach(self, part: SentencePart | MixedPart) -> TaggingExamples:
        """Sentences with their copies, if there are any; DataError where columns are not those that the model reads."""
        given = len(next(iter(part.sentences()), ((), ()))[1])
        if given != self.lexicon.columns:
            said = f"{self.lexicon.columns} further columns of words, and the data give {given}"
            raise DataError(f"it reads {said}", "data.feature_columns names those of the teacher")
        return self._encoded(part)

    def soft_targets(self, model: Tagger, examples: TaggingExamples, batches: Batches) -> SoftTargets:
        """The probability of each tag of each word."""
        found: list[np.ndarray] = [np.zeros((0, len(self.tags)))] * len(examples)
        for indices, batch in batches():
            rows = zip(indices, model.marginals(batch).cpu().numpy(), batch.lengths_B.tolist(), strict=True)
            for i, said_TK, length in rows:
                found[i] = said_TK[:length]
        return SoftTargets.of(found)

    def keys(self, part: SentencePart | MixedPart) -> Iterator[str]:
        """The words, with blanks between them."""
        return (" ".join(tokens) for tokens, _ in part.sentences())

    def row_of(self, row: Mapping[str, Any], place: str) -> tuple[str, np.ndarray]:
        """``tokens``, and ``probabilities`` of each by its tag."""
        tokens, said = row.get("tokens"), row.get("probabilities")
        if not isinstance(tokens, list) or not isinstance(said, list) or len(tokens) != len(said):
            hint = 'such as {"tokens": ["Noma", "left"], "probabilities": [{"S-PER": 0.9, "O": 0.1}, {"O": 1}]}'
            raise DataError(f"{place}: not as many probabilities by tag as tokens", hint)
        rows = [shares_of(dict.fromkeys(self.tags, 0.0) | one, self.tags, place) for one in said]
        return " ".join(map(str, tokens)), np.array(rows).reshape(-1, len(self.tags))

    def unlabelled(self, name: str, examples: Sequence[Given]) -> SentencePart:
        """Sentences in the place of tagged ones; of their tags the first is as good as any."""
        columns = Columns("tokens", "tags", tuple(f"feature {k}" for k in range(self.lexicon.columns)))
        rows = [(one.tokens, [self.tags[0]] * len(one.tokens), *one.features) for one in examples]
        return SentencePart(table_of(name, (columns.token, columns.tag, *columns.features), rows), columns, None)

    def of_soft_targets(self, part: SentencePart, examples: TaggingExamples, said: SoftTargets) -> Statistics:
        """Every metric of the most probable tag of each word."""
        predicted = [[self.tags[k] for k in said[i].argmax(1).tolist()] for i in range(len(said))]
        return self._scored(part, predicted, examples.unknown).statistics()

    def validate(self, model: Tagger, examples: TaggingExamples, batches: Batches) -> Metrics:
        """Every metric of the tagger, and ``loss`` over the sentences whose tags are all known."""
        predicted: list[list[str]] = [[]] * len(examples)
        total = words = 0
        for indices, batch in batches():
            for i, tags in zip(indices, self._decoded(model.decode(batch), batch), strict=True):
                predicted[i] = tags
            count = int(batch.lengths_B[(batch.tags_BT != UNSEEN).all(1).cpu()].sum())
            if count:
                total, words = total + model.loss(batch).item() * count, words + count
        assert isinstance(examples.part, SentencePart)
        found = self._scored(examples.part, predicted, examples.unknown).statistics().values()
        return found | {"loss": total / words if words else float("nan")}

    def predictions(
        self, model: Tagger, part: SentencePart, examples: TaggingExamples, batches: Batches
    ) -> Iterator[dict[str, Any]]:
        """Tags and spans of each sentence, and which of its words were never seen."""
        predicted: list[list[str]] = [[]] * len(examples)
        sure: list[np.ndarray] = [np.zeros((0, 2))] * len(examples)
        for indices, batch in batches():
            for i, tags, probabilities in zip(indices, *self.predict(model, batch), strict=True):
                predicted[i], sure[i] = tags, probabilities
        scheme = self.scheme and (part.scheme or self.scheme)
        for i, (tokens, truth, raw) in enumerate(zip(part.tokens(), part.tags(), part.raw_tags(), strict=True)):
            if scheme is not None:
                truth = scheme.write(read_spans(truth, INTERNAL)[0], len(truth))
            found: dict[str, Any] = {"place": part.place(i), "truth": truth, "unknown": examples.unknown[i].tolist()}
            if scheme is not None and self.strict:
                found["truth_spans"] = [place_of(span) for span in self._true_spans(raw, part)]
            spans = self._spans(predicted[i], INTERNAL) if self.strict else None
            yield found | row(tokens, self._valid(predicted[i]), sure[i], scheme, spans)

    def predict(self, model: Tagger, batch: TaggingBatch) -> tuple[list[list[str]], list[np.ndarray]]:
        """The tags of each sentence, and the probability of each by itself and given the tag before it, (T, 2)."""
        best_BT, sure_BT2 = model.probabilities(batch)
        rows = zip(sure_BT2.double().cpu().numpy(), batch.lengths_B.tolist(), strict=True)
        return list(self._decoded(best_BT, batch)), [row[:length] for row, length in rows]

    def baselines(self, parts: Mapping[str, SentencePart], split: str) -> tuple[Rivals, tuple[str, ...]]:
        """Every word's most frequent tag; a linear CRF where CRFsuite is installed."""
        train, test = parts["train"], parts[split]
        frequent = MostFrequentTag(train.tokens(), train.tags())
        seen = {word for tokens in train.tokens() for word in tokens}
        unknown = [[at for at, word in enumerate(tokens) if word not in seen] for tokens in test.tokens()]
        predicted = {"most frequent tag": list(frequent.tag(test.tokens()))}
        note = ""
        if has_crfsuite():
            learn = zip(train.sentences(), train.tags(), strict=True)
            predicted["linear crf"], note = linear_crf(learn, test.sentences())
        found = {name: self._scored(test, tags, unknown).statistics() for name, tags in predicted.items()}
        return found, (note,) if note else ()

    def names(self, numbers: np.ndarray) -> list[str]:
        """Tags in the internal scheme, valid."""
        return self._valid([self.tags[k] for k in numbers.tolist()])

    def written(self, numbers: np.ndarray) -> list[str]:
        """Tags as the user writes them."""
        if self._written is not None:
            return [self._written[k] for k in numbers.tolist()]
        tags = [self.tags[k] for k in numbers.tolist()]
        return tags if self.scheme is None else self.scheme.write(read_spans(tags, INTERNAL)[0], len(tags))

    def _encoded(self, part: SentencePart | MixedPart) -> TaggingExamples:
        numbers = ([self._number.get(tag, UNSEEN) for tag in tags] for tags in part.tags())
        return encode(self.lexicon, part.sentences(), numbers, part, self.recipe.data.context)

    def _scored(
        self, part: SentencePart, predicted: list[list[str]], unknown: Sequence[Sequence[int] | np.ndarray]
    ) -> Scored:
        """Predictions in the internal scheme beside the truth."""
        truth = list(part.tags())
        if self.scheme is None:
            return Scored(truth, predicted, unknown)
        true = [self._true_spans(tags, part) for tags in part.raw_tags()]
        found = [self._spans(tags, INTERNAL) for tags in predicted]
        return Scored(truth, [self._valid(tags) for tags in predicted], unknown, (true, found))

    def _true_spans(self, raw: list[str], part: SentencePart) -> list[Span]:
        """The spans that a part's own tags mean to the scorer."""
        return self._spans(raw, part.scheme or INTERNAL)

    def _spans(self, tags: list[str], scheme: Scheme) -> list[Span]:
        """The spans that tags mean to the scorer."""
        return read_spans(tags, scheme, strict=self.strict)[0]

    def _decoded(self, tags_BT: Tensor, batch: TaggingBatch) -> Iterator[list[str]]:
        for numbers, length in zip(tags_BT.tolist(), batch.lengths_B.tolist(), strict=True):
            yield [self.tags[k] for k in numbers[:length]]

    def _valid(self, tags: list[str]) -> list[str]:
        return valid(tags, self.scheme)
