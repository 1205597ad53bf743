"""Training that was interrupted between two windows goes on bit for bit, the carried state with it."""

import pytest
import torch

from rnncli import tasks
from rnncli.tasks.music.schema import MusicRecipe
from rnncli.tasks.text.schema import TextRecipe
from rnncli.train.checkpoint import Checkpoint
from rnncli.train.loop import StepDone, Trainer
from rnncli.train.steps import settled

TEXT = {
    "data": {"source": "builtin"},
    "model": {"hidden": 8, "layers": 2, "variational_dropout": 0.2},
    "train": {"epochs": 2, "batch_size": 4, "window": 40, "negatives": 20},
}
MUSIC = {
    "data": {"source": "builtin"},
    "model": {"hidden": 8, "embedding": 8, "head_hidden": 8, "members": 2},
    "train": {"epochs": 2, "batch_size": 8, "window": 30, "transpose": 2},
}


def trainer_of(recipe):
    task = tasks.load(recipe.task)
    corpus = task.read(recipe)
    torch.manual_seed(recipe.seed)
    fitted = task.fit(recipe, corpus)
    model = fitted.build()
    train = fitted.encode(corpus.parts["dev"], training=True)  # which is smaller
    used = settled(recipe.train, train, recipe.seed)
    dev = fitted.encode(corpus.parts["dev"])
    return Trainer(fitted, model, train, dev, used, tasks.metrics(recipe.task), seed=1, device=torch.device("cpu"))


def copied(tensors):
    return {name: one.clone() for name, one in tensors.items()}


def step(events):
    return next(event for event in events if isinstance(event, StepDone))


@pytest.mark.parametrize("recipe", [TextRecipe(**TEXT), MusicRecipe(**MUSIC)], ids=["text", "music"])
def test_training_goes_on_bit_for_bit(recipe):
    whole = trainer_of(recipe)
    events = whole.events()
    for _ in range(3):
        step(events)
    saved = whole.snapshot()
    saved = Checkpoint(copied(saved.model), copied(saved.training), saved.meta)
    assert any(name.startswith("carried/") for name in saved.training)
    wanted = [step(events).loss for _ in range(4)]
    again = trainer_of(recipe)
    again.model.load_state_dict(saved.model)
    again.restore(saved)
    following = again.events()
    assert [step(following).loss for _ in range(4)] == wanted
    for mine, theirs in zip(again.model.parameters(), whole.model.parameters(), strict=True):
        assert torch.equal(mine, theirs)
