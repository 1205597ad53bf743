"""Training is a function of its seed, can be cut anywhere, and stops for the right reasons."""

import copy

import pytest
import torch

from rnncli.errors import RecipeError, TrainingError
from rnncli.train import checkpoint
from rnncli.train.loop import EpochDone, Halved, StepDone, Stopped
from tests.train.toy import Toy, ToyExamples, toy_trainer

VARIANTS = [
    {},
    {"ema": 0.9, "schedule": "cosine", "warmup_steps": 3},
    {"optimizer": "sgd", "schedule": "plateau", "accumulate": 3},
    {"optimizer": "adam", "schedule": "linear", "clip_norm": 0.0},
]


def _weights(trainer):
    return {name: weight.clone() for name, weight in trainer.best_weights().model.items()}


@pytest.mark.parametrize("settings", VARIANTS)
def test_a_training_cut_after_any_step_and_resumed_ends_in_the_same_bits(settings, tmp_path):
    whole = toy_trainer(**settings)
    events = list(whole.events())
    expected = _weights(whole)
    for cut in range(1, len(events)):
        first = toy_trainer(**settings)
        running = first.events()
        for _ in range(cut):
            next(running)
        checkpoint.save(tmp_path / "last", first.snapshot())
        second = toy_trainer(**settings)
        torch.manual_seed(999)
        saved = checkpoint.load(tmp_path / "last")
        checkpoint.load_weights(second.model, saved, tmp_path)
        second.restore(saved)
        rest = list(second.events())
        assert [event for event in rest if isinstance(event, StepDone)] == [
            event for event in events[cut:] if isinstance(event, StepDone)
        ]
        for name, weight in _weights(second).items():
            assert torch.equal(weight, expected[name]), (cut, name)


def test_a_task_that_wants_to_hears_how_much_of_training_is_done_also_when_resumed(tmp_path):
    class Paced(Toy):
        def __init__(self):
            super().__init__()
            self.heard = []

        def pace(self, done):
            self.heard.append(done)

    whole = Paced()
    steps = [event for event in toy_trainer(whole).events() if isinstance(event, StepDone)]
    assert whole.heard == [pytest.approx(n / len(steps)) for n in range(len(steps))]
    begun = toy_trainer(Paced())
    for _, event in zip(range(8), begun.events(), strict=False):
        assert event
    later = Paced()
    resumed = toy_trainer(later)
    resumed.restore(begun.snapshot())
    for _ in resumed.events():
        pass
    assert later.heard == whole.heard[-len(later.heard) :]


def test_the_same_seed_gives_the_same_losses():
    def losses():
        return [event.loss for event in toy_trainer().events() if isinstance(event, StepDone)]

    assert losses() == losses()


def test_patience_stops_after_as_many_epochs_without_a_better_one_and_names_the_best():
    trainer = toy_trainer(Toy(dev_values=[0.5, 0.7, 0.6, 0.7, 0.9]), epochs=9, patience=2)
    events = list(trainer.events())
    assert [event.best for event in events if isinstance(event, EpochDone)] == [True, True, False, False]
    assert events[-1] == Stopped("no better for 2 epochs", 4, 2)


def test_a_metric_that_is_better_when_lower_is_watched_so():
    fitted = Toy()
    values = iter([0.9, 0.5, 0.7])
    fitted.validate = lambda *_: {"loss": next(values)}
    events = list(toy_trainer(fitted, best_by="loss").events())
    assert [event.best for event in events if isinstance(event, EpochDone)] == [True, True, False]


def test_a_metric_that_is_never_a_number_still_leaves_a_first_best_that_can_be_saved(tmp_path):
    trainer = toy_trainer(Toy(dev_values=[float("nan")] * 3))
    events = list(trainer.events())
    assert [event.best for event in events if isinstance(event, EpochDone)] == [True, False, False]
    checkpoint.save(tmp_path / "last", trainer.snapshot())


def test_an_unknown_metric_to_watch_is_a_recipe_error_with_the_known_ones():
    with pytest.raises(RecipeError, match="accuracyy") as caught:
        list(toy_trainer(best_by="accuracyy").events())
    assert "accuracy" in caught.value.hint


def test_a_metric_that_this_data_does_not_give_is_told_from_an_unknown_one():
    trainer = toy_trainer(best_by="f1", metrics=("accuracy", "f1"))
    with pytest.raises(RecipeError, match="f1 is not measured") as caught:
        list(trainer.events())
    assert "accuracy, loss" in caught.value.hint


def test_a_metric_that_this_data_does_not_give_is_refused_before_training():
    """By one evaluation, which is spared where a metric is always there; nothing is changed by it."""
    trainer = toy_trainer(best_by="f1", metrics=("accuracy", "f1"))
    with pytest.raises(RecipeError, match="f1 is not measured"):
        trainer.require_watched()
    assert trainer.progress.step == 0
    for sure in ("", "loss", "accuracy"):
        fitted = Toy()
        fitted.validate = lambda *_: pytest.fail("evaluated")
        toy_trainer(fitted, best_by=sure).require_watched()
    checked, other = (toy_trainer(best_by="f1", metrics=("accuracy", "f1")) for _ in range(2))
    for trainer in (checked, other):
        measured = trainer.fitted.validate
        trainer.fitted.validate = lambda *given, measured=measured: measured(*given) | {"f1": 0.5}
    torch.manual_seed(1)
    checked.require_watched()
    losses = [event.loss for event in checked.events() if isinstance(event, StepDone)]
    torch.manual_seed(1)
    assert losses == [event.loss for event in other.events() if isinstance(event, StepDone)]


def test_a_metric_that_nobody_declared_is_a_mistake_of_the_task():
    class Careless(Toy):
        def validate(self, model, examples, batches):
            return super().validate(model, examples, batches) | {"mae": 0.5}

    with pytest.raises(AssertionError, match="mae"):
        list(toy_trainer(Careless()).events())


def test_a_loss_that_is_no_number_stops_and_names_the_examples():
    with pytest.raises(TrainingError, match=r"nan in epoch 1.*toy\.csv:\d+"):
        list(toy_trainer(train=ToyExamples(poison=7), batch_size=1).events())


def test_accumulated_batches_make_the_step_of_one_large_batch():
    def first_step(**settings):
        fitted = Toy()
        torch.manual_seed(5)
        model = copy.deepcopy(fitted.build()).eval()
        model.train = lambda mode=True: model  # without dropout, the sum over batches is exact
        trainer = toy_trainer(fitted, model=model, train=ToyExamples(count=16), **settings)
        next(trainer.events())
        return _weights(trainer)

    together, apart = first_step(batch_size=16), first_step(batch_size=4, accumulate=4)
    for name, weight in together.items():
        assert torch.allclose(weight, apart[name], atol=1e-6)


def test_the_average_of_the_weights_is_evaluated_and_the_own_weights_go_on():
    trainer = toy_trainer(ema=0.9)
    seen = []
    validate = trainer.fitted.validate
    trainer.fitted.validate = lambda model, *rest: (
        seen.append(copy.deepcopy(model.state_dict())),
        validate(model, *rest),
    )[1]
    for event in trainer.events():
        if isinstance(event, EpochDone):
            assert not torch.equal(seen[-1]["0.weight"], trainer.model.state_dict()["0.weight"])
            assert torch.equal(seen[-1]["0.weight"], trainer.best_weights().model["0.weight"])


class Tight(Toy):
    """Has memory for ``most`` examples at once."""

    def __init__(self, most):
        super().__init__()
        self.most = most

    def loss(self, model, batch):
        if len(batch.y_B) > self.most:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")
        return super().loss(model, batch)


def test_a_batch_that_memory_does_not_suffice_for_is_halved_and_said():
    model = torch.nn.Linear(3, 2)
    whole = toy_trainer(model=copy.deepcopy(model), epochs=1)
    list(whole.events())
    tight = toy_trainer(fitted=Tight(3), model=copy.deepcopy(model), epochs=1)
    events = list(tight.events())
    assert [event.size for event in events if isinstance(event, Halved)] == [2] * 5
    for one, other in zip(_weights(whole).values(), _weights(tight).values(), strict=True):
        torch.testing.assert_close(one, other)


def test_an_example_too_large_by_itself_is_named():
    with pytest.raises(TrainingError, match="memory"):
        list(toy_trainer(fitted=Tight(0)).events())


def test_other_errors_are_not_taken_for_memory():
    class Broken(Toy):
        def loss(self, model, batch):
            raise RuntimeError("shapes do not fit")

    with pytest.raises(RuntimeError, match="shapes"):
        list(toy_trainer(fitted=Broken()).events())


class Told(Toy):
    """Dev figures by epoch, as (accuracy, loss)."""

    def __init__(self, *figures):
        super().__init__()
        self.figures = iter(figures)

    def validate(self, model, examples, batches):
        return dict(zip(("accuracy", "loss"), next(self.figures), strict=True))


def best_epochs(trainer) -> list[bool]:
    return [event.best for event in trainer.events() if isinstance(event, EpochDone)]


def test_of_epochs_that_are_as_good_that_with_the_smaller_dev_loss_is_better():
    told = ((0.5, 3.0), (0.5, 2.0), (0.5, 2.5), (0.4, 1.0), (0.5, 2.0), (0.6, 9.0), (0.6, 8.0))
    assert best_epochs(toy_trainer(Told(*told), epochs=7)) == [True, True, False, False, False, True, True]


def test_a_metric_that_is_no_number_leaves_the_choice_to_the_loss():
    nan = float("nan")
    told = ((nan, nan), (nan, 2.0), (nan, 3.0), (nan, 1.0), (0.1, 5.0))
    assert best_epochs(toy_trainer(Told(*told), epochs=5)) == [True, True, False, True, True]


def test_patience_does_not_end_a_training_whose_metric_stands_still_while_its_loss_falls():
    told = [(0.0, 5.0 - epoch) for epoch in range(5)]
    events = list(toy_trainer(Told(*told, (0.0, 1.5), (0.0, 1.5)), epochs=9, patience=2).events())
    assert events[-1] == Stopped("no better for 2 epochs", 7, 5)


def test_a_training_of_before_ties_were_broken_goes_on_as_it_would_have(tmp_path):
    told = ((0.5, 3.0), (0.5, 2.0), (0.6, 1.5), (0.6, 1.0))
    begun = toy_trainer(Told(*told), epochs=4)
    for event in begun.events():
        if isinstance(event, EpochDone):
            break
    saved = begun.snapshot()
    for key in ("best_loss", "ties"):
        del saved.meta["progress"][key]
    later = toy_trainer(Told(*told[1:]), epochs=4)
    checkpoint.save(tmp_path / "last", saved)
    later.restore(checkpoint.load(tmp_path / "last"))
    assert best_epochs(later) == [False, True, False]
