"""WindowReader in windows, many documents at once, equals one pass over each."""

import numpy as np
import pytest
import torch

from rnncli.data import temporary
from rnncli.data.steps import Steps
from rnncli.tasks.text.model import TextModel
from rnncli.tasks.text.schema import TextModelSection
from rnncli.tasks.write import walk
from rnncli.tasks.write.dynamic import dynamic_nats
from rnncli.tasks.write.members import inside
from rnncli.tasks.write.walk import ScoredSpans, nats_of

SYMBOLS = 7
CPU = torch.device("cpu")
CORES = ({"cell": "lstm"}, {"cell": "gru", "layers": 2}, {"cell": "rnn", "initial_state": "learnt"}, {"members": 2})


def model(**core):
    torch.manual_seed(1)
    made = TextModel(TextModelSection(hidden=8, **core), SYMBOLS).eval()
    for parameter in made.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return made


def reading(made):
    def read(before, steps, lengths, at, state):
        outputs, end = made.read(before, lengths, made.begin(len(before)) if state is None else state)
        within, found = inside(lengths, before.shape[1]), torch.zeros(before.shape)
        found[within] = made.nats(outputs, steps, within)
        return found, end

    return read


def one_pass(made, steps):
    found = []
    for document in range(len(steps)):
        true = torch.from_numpy(steps[document].astype(np.int64))[None]
        before = torch.cat([torch.tensor([[SYMBOLS]]), true[:, :-1]], 1)
        outputs, _ = made.read(before, None, made.begin(1))
        found.append(made.nats(outputs, true, torch.ones_like(true, dtype=torch.bool)))
    return torch.cat(found).numpy()


@pytest.fixture
def texts():
    random = np.random.default_rng(3)
    return Steps.of([random.integers(0, SYMBOLS, n).astype(np.uint8) for n in (70, 1, 33, 5)])


@pytest.mark.parametrize("core", CORES, ids=str)
@pytest.mark.parametrize("longest", [1024, 16, 1])
@torch.no_grad()
def test_carried_state_equals_one_pass(core, longest, texts, monkeypatch):
    monkeypatch.setattr(walk, "LONGEST", longest)
    made = model(**core)
    found = nats_of(texts, ScoredSpans.whole(texts), SYMBOLS, reading(made), CPU)
    np.testing.assert_allclose(found, one_pass(made, texts), atol=1e-5)


def test_figures_of_very_many_steps_leave_memory_for_a_file(texts, monkeypatch):
    made = model(**CORES[0])
    held = nats_of(texts, ScoredSpans.whole(texts), SYMBOLS, reading(made), CPU)
    monkeypatch.setattr(temporary, "IN_MEMORY", 8)
    monkeypatch.setattr(temporary, "WRITTEN_AT_ONCE", 3)
    mapped = nats_of(texts, ScoredSpans.whole(texts), SYMBOLS, reading(made), CPU)
    assert isinstance(mapped, np.memmap)
    assert mapped.tolist() == held.tolist()
    assert np.isnan(temporary.unknown(10)).all()


@pytest.mark.parametrize("core", CORES, ids=str)
@torch.no_grad()
def test_a_later_symbol_changes_no_score_before_it(core, texts):
    made, changed = model(**core), texts.values.copy()
    changed[40] = (changed[40] + 1) % SYMBOLS
    other = Steps(changed, texts.bounds_D1)
    before, after = (nats_of(one, ScoredSpans.whole(one), SYMBOLS, reading(made), CPU) for one in (texts, other))
    same = np.r_[0:40, 70 : len(changed)]  # what comes before it, and other documents
    np.testing.assert_allclose(after[same], before[same], atol=1e-6)
    assert abs(after[40:70] - before[40:70]).max() > 1e-3


@torch.no_grad()
def test_parts_are_scored_once_each_after_a_warm_up(texts, monkeypatch):
    monkeypatch.setattr(walk, "SPAN", 20)
    monkeypatch.setattr(walk, "WARMUP", 12)
    spans, seen = ScoredSpans.parts(texts), np.zeros(len(texts.values), int)
    for score, end in zip(spans.score_S, spans.end_S, strict=True):
        seen[score:end] += 1
    assert (seen == 1).all()
    assert len(spans.begin_S) > len(texts)
    assert ((spans.score_S - spans.begin_S) <= 12).all()
    made = model(cell="rnn", activation="sigmoid")
    found = nats_of(texts, spans, SYMBOLS, reading(made), CPU)
    assert np.isfinite(found).all()
    assert abs(found - one_pass(made, texts)).mean() < 0.02


@torch.no_grad()
def test_members_average_probabilities(texts):
    made = model(members=3)
    true = torch.from_numpy(texts[2].astype(np.int64))[None]
    before = torch.cat([torch.tensor([[SYMBOLS]]), true[:, :-1]], 1)
    outputs, _ = made.read(before, None, made.begin(1))
    shares = [one.head(y).softmax(-1) for one, y in zip(made.networks, outputs, strict=True)]
    mean = torch.stack(shares).mean(0)
    found = made.nats(outputs, true, torch.ones_like(true, dtype=torch.bool))
    torch.testing.assert_close((-found).exp(), mean[0].gather(1, true[0][:, None])[:, 0])


def dynamic(made):
    def read(before, steps, state):
        outputs, end = made.read(before, None, made.begin(1) if state is None else state)
        within = torch.ones_like(steps, dtype=torch.bool)
        return made.nats(outputs, steps, within), made.loss(outputs, steps, within), end

    return read


def test_learning_while_testing_begins_anew_and_leaves_the_model_as_it_was():
    repeated = Steps.of([np.tile([1, 4, 2, 0], 120), np.array([3, 3, 5])])
    made = model(cell="gru")
    weights = [parameter.clone() for parameter in made.parameters()]
    still = dynamic_nats(made, repeated, SYMBOLS, dynamic(made), 0.0)
    learning = dynamic_nats(made, repeated, SYMBOLS, dynamic(made), 0.1)
    np.testing.assert_allclose(still, one_pass(made, repeated), atol=1e-5)
    np.testing.assert_allclose(learning[:50], still[:50], atol=1e-5)  # nothing is learnt before the first window
    np.testing.assert_allclose(learning[-3:], still[-3:], atol=1e-5)  # nor from another document
    assert learning[300:480].mean() < still[300:480].mean() - 0.05
    assert all(torch.equal(a, b) for a, b in zip(weights, made.parameters(), strict=True))
