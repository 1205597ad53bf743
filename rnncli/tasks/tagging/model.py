"""The tagger: what is known of each word, a recurrent core over the sentence, scores of tags, and a head.

Words are read by their characters by a recurrent core, or by convolutions (Ma & Hovy 2016). Shape letters: B sentences,
T words, K tags, U different words, C characters, I size of what is known of a word or character, E size of what comes
out.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from rnncli.core.dropout import Dropout
from rnncli.core.recurrent import Recurrent
from rnncli.heads.crf import CRF
from rnncli.heads.distillation import distance
from rnncli.tasks.common.core import build_core
from rnncli.tasks.tagging.examples import UNSEEN, TaggingBatch
from rnncli.tasks.tagging.extras.lexicon import SHAPES, Lexicon
from rnncli.tasks.tagging.schema import TaggerModel
from rnncli.tasks.teaching import Teaching

SHAPE_EMBEDDING = 8
WIDTH = 3
"""Characters that a convolution sees at once."""


class WordKnowledge(nn.Module):
    """What is known of a batch's different words, each once: embeddings of word, shape, affixes; its characters."""

    def __init__(self, lexicon: Lexicon, settings: TaggerModel) -> None:
        super().__init__()
        sizes = [(len(lexicon.vocabularies["word"]), settings.embedding), (SHAPES, SHAPE_EMBEDDING)]
        sizes += [(len(lexicon.vocabularies[name]), settings.affixes) for name in lexicon.affixes]
        self.tables = nn.ModuleList(embedding(count, width, settings.embedding_scale) for count, width in sizes)
        self.output_size = sum(width for _, width in sizes)
        self.forgetting = Forgetting(settings.word_dropout, lexicon.counts["word"])
        self.character_table, self.characters = None, None
        if "character" in lexicon.vocabularies:
            count, width = len(lexicon.vocabularies["character"]), settings.character_embedding
            self.character_table = embedding(count, width, settings.embedding_scale)
            self.characters = character_reader(settings)
            self.output_size += self.characters.output_size
        self.character_dropout = Dropout(settings.input_dropout)

    def forward(self, forms_UF: Tensor, characters_UC: Tensor, character_lengths_U: Tensor) -> Tensor:
        """(U, I)."""
        numbers = self.forgetting(forms_UF[:, 0]), *forms_UF[:, 1:].unbind(1)
        found = [table(numbers_U) for table, numbers_U in zip(self.tables, numbers, strict=True)]
        if self.characters is not None and self.character_table is not None:
            x_UCI = self.character_dropout(self.character_table(characters_UC))
            found.append(self.characters(x_UCI, character_lengths_U))
        return torch.cat([part.float() for part in found], 1)


class Forgetting(nn.Module):
    """In training, what was seen n times is taken for unknown with probability a / (a + n)."""

    share_V: Tensor

    def __init__(self, a: float, counts_V: np.ndarray) -> None:
        super().__init__()
        share_V = a / np.maximum(a + counts_V, 1e-9) * (counts_V > 0)
        self.register_buffer("share_V", torch.from_numpy(share_V).float(), persistent=False)

    def forward(self, numbers: Tensor) -> Tensor:
        """The same numbers, those that are forgotten 1."""
        if not self.training:
            return numbers
        return numbers.masked_fill(torch.rand(numbers.shape, device=numbers.device) < self.share_V[numbers], 1)


class RecurrentReader(nn.Module):
    """The states in which both directions of a recurrent core end, side by side."""

    def __init__(self, settings: TaggerModel) -> None:
        super().__init__()
        self.core = Recurrent(
            settings.character_embedding,
            settings.characters,
            cell=settings.cell,
            activation=settings.activation,
            reset=settings.reset,
            bidirectional=True,
        )
        self.output_size = self.core.output_size

    def forward(self, x_UCI: Tensor, lengths_U: Tensor) -> Tensor:
        """(U, E)."""
        _, state = self.core(x_UCI, lengths_U)
        end_DUH = state[0] if isinstance(state, tuple) else state
        return end_DUH.transpose(0, 1).flatten(1)


class ConvolutionReader(nn.Module):
    """The largest answer of each filter anywhere in the word, at least 0."""

    def __init__(self, settings: TaggerModel) -> None:
        super().__init__()
        self.output_size = 2 * settings.characters
        self.filters = nn.Conv1d(settings.character_embedding, self.output_size, WIDTH, padding=WIDTH // 2)

    def forward(self, x_UCI: Tensor, lengths_U: Tensor) -> Tensor:
        """(U, E)."""
        inside_UC = torch.arange(x_UCI.shape[1]) < lengths_U[:, None]
        inside_UC1 = inside_UC.to(x_UCI.device).unsqueeze(-1)
        # What lies beyond a word is 0, as beyond the batch, so that a word's company does not matter.
        answers_UEC = self.filters(x_UCI.masked_fill(~inside_UC1, 0).transpose(1, 2))
        return answers_UEC.masked_fill(~inside_UC1.transpose(1, 2), 0).amax(-1).clamp(min=0)


class TagScorer(nn.Module):
    """Sentences to one score a word and tag."""

    def __init__(self, lexicon: Lexicon, settings: TaggerModel, tags: int) -> None:
        super().__init__()
        self.words = WordKnowledge(lexicon, settings)
        self.places, self.forgetting = nn.ModuleDict(), nn.ModuleDict()
        self.order = lexicon.positions
        for name in dict.fromkeys(self.order):
            pairs = name.startswith("pair")
            width = settings.pairs if pairs else settings.column_embedding
            self.places[name] = embedding(len(lexicon.vocabularies[name]), width, settings.embedding_scale)
            if pairs and settings.pair_dropout:
                self.forgetting[name] = Forgetting(settings.pair_dropout, lexicon.counts[name])
        input_size = self.words.output_size + sum(_width(self.places[name]) for name in self.order)
        self.input_dropout, self.dropout = Dropout(settings.input_dropout), Dropout(settings.dropout)
        self.core = build_core(input_size, settings)
        # The input itself votes too, so that plain evidence of a word need not pass through the core.
        self.linear = nn.Linear(self.core.output_size + input_size, tags)
        nn.init.zeros_(self.linear.bias)

    def forward(self, batch: TaggingBatch, words_UI: Tensor | None = None) -> Tensor:
        """Scores of the tags, (B, T, K); ``words_UI`` is what is known of words if that was computed before."""
        return self.score(self.inputs(batch, words_UI), batch)

    def inputs(self, batch: TaggingBatch, words_UI: Tensor | None = None) -> Tensor:
        """What is read of each word, (B, S, I)."""
        forms = batch.forms_UF, batch.characters_UC, batch.character_lengths_U
        known_UI: Tensor = self.words(*forms) if words_UI is None else words_UI
        if not len(known_UI):  # sentences without words alone
            known_UI = known_UI.new_zeros(1, self.words.output_size)
        found = [functional.embedding(batch.word_BT, known_UI)]
        for at, name in enumerate(self.order):
            numbers_BT = batch.places_BTP[..., at]
            if name in self.forgetting:
                numbers_BT = self.forgetting[name](numbers_BT)
            found.append(self.places[name](numbers_BT))
        return torch.cat(found, -1)

    def score(self, x_BTI: Tensor, batch: TaggingBatch) -> Tensor:
        """Scores of the tags, by what is read of each word."""
        x_BTI = self.input_dropout(x_BTI)
        y_BTE, _ = self.core(x_BTI, batch.read_lengths_B, need_state=False)
        x_BTI, y_BTE = batch.own(x_BTI), batch.own(y_BTE)
        # One product each: putting both side by side first takes longer than the second product.
        weights = self.linear.weight.split([y_BTE.shape[-1], x_BTI.shape[-1]], 1)
        scores_BTK = functional.linear(self.dropout(y_BTE.to(x_BTI.dtype)), weights[0], self.linear.bias)
        return scores_BTK + functional.linear(x_BTI, weights[1])


class Tagger(nn.Module):
    """The mean scores of several members, which learn each by itself, and the choice of tags.

    ``head`` is a CRF, the same for all members, or None where each word's tag is chosen by itself.
    """

    def __init__(self, lexicon: Lexicon, settings: TaggerModel, tags: int, head: CRF | None) -> None:
        super().__init__()
        self.scorers = nn.ModuleList(TagScorer(lexicon, settings, tags) for _ in range(settings.members))
        self.head = head

    @property
    def members(self) -> list[TagScorer]:
        """Those whose scores are averaged."""
        return [scorer for scorer in self.scorers if isinstance(scorer, TagScorer)]

    def words(self, forms_UF: Tensor, characters_UC: Tensor, character_lengths_U: Tensor) -> Tensor:
        """What the members know of words, side by side, (U, W)."""
        return torch.cat([member.words(forms_UF, characters_UC, character_lengths_U) for member in self.members], 1)

    def forward(self, batch: TaggingBatch, words_UW: Tensor | None = None) -> Tensor:
        """Scores of the tags, (B, T, K); ``words_UW`` is what :meth:`words` said of the words before."""
        sizes = [member.words.output_size for member in self.members]
        words = [None] * len(sizes) if words_UW is None else words_UW.split(sizes, 1)
        scores = [member(batch, words_UI) for member, words_UI in zip(self.members, words, strict=True)]
        return scores[0] if len(scores) == 1 else torch.stack(scores).mean(0)

    def loss(self, batch: TaggingBatch) -> Tensor:
        """The mean over words of minus the log probability of their tags, of sentences whose tags are all known.

        In training the mean over members of what it is under the scores of each.
        """
        return torch.stack([self._loss(batch, scores_BTK) for scores_BTK in self._learnt(batch)]).mean()

    def taught_loss(self, batch: TaggingBatch, teaching: Teaching) -> Tensor:
        """The same where teachers have said how probable each tag of each word is, beside the tags or in their place.

        The model is held against them by the probability that it gives each tag of a word whatever the others are.
        """
        found = []
        for scores_BTK in self._learnt(batch):
            if self.head is None:
                log_probs_PK = scores_BTK[self._inside(batch, scores_BTK)].log_softmax(-1)
            else:
                log_probs_PK = self.head.log_marginals(scores_BTK, batch.lengths_B)
            said_PK = teaching.said[self._inside(batch, teaching.said)]
            apart = distance(log_probs_PK, said_PK, teaching.temperature).sum() / max(1, len(said_PK))
            found.append(teaching.mixed(self._loss(batch, scores_BTK), apart))
        return torch.stack(found).mean()

    def marginals(self, batch: TaggingBatch) -> Tensor:
        """The probability of each tag of each word by itself, (B, T, K), which has no meaning behind the end."""
        scores_BTK = self(batch).float()
        return scores_BTK.softmax(-1) if self.head is None else self.head.marginals(scores_BTK, batch.lengths_B)

    def _learnt(self, batch: TaggingBatch) -> list[Tensor]:
        """The scores that a loss is of: those of each member in training, else their mean."""
        scores = [member(batch) for member in self.members] if self.training else [self(batch)]
        return [scores_BTK.float() for scores_BTK in scores]

    @staticmethod
    def _inside(batch: TaggingBatch, x_BTK: Tensor) -> Tensor:
        """Which words are within the lengths, (B, T)."""
        return (torch.arange(x_BTK.shape[1])[None] < batch.lengths_B[:, None]).to(x_BTK.device)

    def _loss(self, batch: TaggingBatch, scores_BTK: Tensor) -> Tensor:
        known_B = (batch.tags_BT != UNSEEN).all(1)
        lengths_B = batch.lengths_B.masked_fill(~known_B.cpu(), 0)
        if self.head is not None:
            return self.head.loss(scores_BTK, batch.tags_BT, lengths_B).sum() / lengths_B.sum().clamp(min=1)
        inside_BT = torch.arange(scores_BTK.shape[1])[None] < lengths_B[:, None]
        rows = inside_BT.to(scores_BTK.device)
        return functional.cross_entropy(scores_BTK[rows], batch.tags_BT[rows])

    def decode(self, batch: TaggingBatch, words_UW: Tensor | None = None) -> Tensor:
        """The best tags, (B, T)."""
        scores_BTK = self(batch, words_UW).float()
        return scores_BTK.argmax(-1) if self.head is None else self.head.best(scores_BTK, batch.lengths_B)

    def probabilities(self, batch: TaggingBatch, words_UW: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The best tags (B, T), and how probable each is by itself and given the tag before it, (B, T, 2)."""
        scores_BTK = self(batch, words_UW).float()
        if self.head is None:
            best_BT = scores_BTK.argmax(-1)
            alone_BT = given_BT = scores_BTK.softmax(-1).gather(-1, best_BT[..., None]).squeeze(-1)
        else:
            best_BT = self.head.best(scores_BTK, batch.lengths_B)
            alone_BT, given_BT = self.head.shares(scores_BTK, best_BT, batch.lengths_B)
        return best_BT, torch.stack([alone_BT, given_BT], -1)


def character_reader(settings: TaggerModel) -> RecurrentReader | ConvolutionReader:
    """The reader that the recipe asks for."""
    return RecurrentReader(settings) if settings.character_reader == "core" else ConvolutionReader(settings)


def allowed(tags: Sequence[str]) -> dict[str, Tensor]:
    """Which tags may follow each other, begin and end a sentence so that spans in BIOES are whole."""
    opens = torch.tensor([tag[0] in "BI" for tag in tags])  # a span is open behind these
    goes_on = torch.tensor([tag[0] in "IE" for tag in tags])
    kinds = [tag[1:] for tag in tags]
    same_KK = torch.tensor([[one == other for other in kinds] for one in kinds])
    allowed_KK = torch.where(opens[:, None], goes_on & same_KK, ~goes_on)
    return {"allowed_KK": allowed_KK, "allowed_start_K": ~goes_on, "allowed_end_K": ~opens}


def embedding(count: int, width: int, scale: float) -> nn.Embedding:
    """An embedding whose rows lie within plus and minus ``scale``, that of the padding 0."""
    table = nn.Embedding(count, width, padding_idx=0)
    nn.init.uniform_(table.weight, -scale, scale)
    with torch.no_grad():
        table.weight[0] = 0
    return table


def _width(table: nn.Module) -> int:
    assert isinstance(table, nn.Embedding)
    return table.embedding_dim
