"""Make a finished run smaller: weights in few bits, fewer words and units; a run like others, with what it cost."""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn

from rnncli import tasks
from rnncli.data.rounding import FORMS, Form, RoundedMatrix
from rnncli.errors import UsageError
from rnncli.metrics.paired import difference
from rnncli.metrics.statistics import Statistics
from rnncli.recipe.load import dump
from rnncli.recipe.schema import Recipe
from rnncli.report.build import Report
from rnncli.report.numbers import plain
from rnncli.report.shrunk import MetricChange, ShrinkTrial, Shrunk
from rnncli.runs import page
from rnncli.runs.apart import require_new
from rnncli.runs.directory import RunDirectory, write_json, write_lines
from rnncli.runs.events import Observer, Stage, unobserved
from rnncli.runs.further import named_axes
from rnncli.runs.model import build, in_eight_bits
from rnncli.runs.pruning import without_units
from rnncli.runs.recipes import read_run_recipe, with_places
from rnncli.runs.record import first_record, kept_record
from rnncli.runs.score import Model, predictions, report
from rnncli.runs.sizes import bytes_of, sizes
from rnncli.runs.use import Trained, corpus_with, finished
from rnncli.tasks.base import Corpus
from rnncli.tasks.shrinking import DropsWords, HasTables
from rnncli.train.begun import brought_over
from rnncli.train.checkpoint import Checkpoint
from rnncli.train.checkpoint import save as save_checkpoint
from rnncli.train.loop import EpochDone, evaluation_batches

FEWEST_WORDS = 100
"""No fewer are tried."""
COPIED = ("watched", "asked", "device", "reasons", "kernel", "data", "notes")
"""What the record of a smaller run says as that of its source does."""


Weights = Form | Literal["fp32"]
"""How weights are stored; fp32 is as they are."""


@dataclass(frozen=True)
class Wish:
    """How small a run is to be: the form of its weights, at most so many words, such a share of the units of its core.

    Without a form it is the smallest that is not worse by more than ``floor`` points, or int8 where there is no floor.
    """

    weights: Weights | None = None
    words: int | None = None
    units: float | None = None
    floor: float | None = None


def shrink(
    path: Path,
    wish: Wish,
    *,
    out: Path | None = None,
    places: Sequence[str] = (),
    argv: Sequence[str] = (),
    observe: Observer = unobserved,
) -> Shrunk:
    """Make the finished run at ``path`` smaller, in a new directory, ``out`` or the first free one under ``runs/``.

    ``places`` say where its data are now. Raises UsageError where no form is within the floor; nothing is written then.
    """
    if out is not None:
        require_new(out)
    source = _Source.opened(path, places, observe)
    if wish.units is not None:
        source = source.with_units(wish.units, observe)
    chosen, tried = _chosen(source, wish, observe)
    observe(Stage("scoring the smaller model"))
    return _written(source, chosen, tried, out, argv)


@dataclass(frozen=True, eq=False)
class _Source:
    """The model that is to be smaller, its data, and what the run scores on dev.

    ``history`` are epochs of training on, where units were taken out of the model.
    """

    trained: Trained
    places: Sequence[str]
    model: Model
    corpus: Corpus
    report: Report
    metric: str
    dev: Statistics
    history: Sequence[EpochDone] = ()

    @property
    def units(self) -> int | None:
        """Of each direction of a layer, where some were taken out."""
        recipe: Any = self.model.recipe
        return None if self.model.module is self.trained.model else recipe.model.hidden

    def with_units(self, share: float, observe: Observer) -> _Source:
        """The same with that share of the units, the model trained on."""
        observe(Stage("ranking the units"))
        model, history = without_units(self.model, self.trained.run, self.corpus, share, observe)
        return replace(self, model=model, history=history)

    @classmethod
    def opened(cls, path: Path, places: Sequence[str], observe: Observer) -> _Source:
        trained = finished(path, "shrink")
        observe(Stage("reading the data"))
        placed = replace(trained, recipe=with_places(trained.recipe, places))
        model, corpus = corpus_with(placed, None, "dev", "shrink {}")
        done = trained.run.read_report()
        observe(Stage("scoring the model on dev"))
        dev = _scores(model, corpus)
        watched, values = str(trained.run.read_record().get("watched")), dev.values()
        metric = next(name for name in (watched, *done.metrics) if name in done.metrics and name in values)
        return cls(trained, places, model, corpus, done, metric, dev)


@dataclass(frozen=True, eq=False)
class _Smaller:
    """A smaller model, its weights as they are stored, and what it scores."""

    form: Weights
    words: int | None
    model: Model
    weights: Checkpoint
    change: MetricChange

    def trial(self, *, kept: bool) -> ShrinkTrial:
        return ShrinkTrial(self.form, self.words, bytes_of(self.weights), self.change.loss, kept)


def _chosen(source: _Source, wish: Wish, observe: Observer) -> tuple[_Smaller, list[ShrinkTrial]]:
    """The form that is wished for, or the smallest within the floor, and what was tried for it."""
    if wish.floor is None:
        return _smaller(source, wish.weights or "int8", wish.words, observe), []
    tried: list[ShrinkTrial] = []
    found = None
    forms: Sequence[Weights] = [wish.weights] if wish.weights else FORMS[::-1]
    for form in forms:
        one = _smaller(source, form, wish.words, observe)
        tried.append(one.trial(kept=False))
        if one.change.loss <= wish.floor:
            found = one
            break
    if found is None:
        raise _beyond(source, tried, wish.floor)
    kept = len(tried) - 1
    for words in _fewer(source) if wish.words is None else ():
        one = _smaller(source, found.form, words, observe)
        tried.append(one.trial(kept=False))
        if one.change.loss > wish.floor:
            break
        found, kept = one, len(tried) - 1
    tried[kept] = replace(tried[kept], kept=True)
    return found, tried


def _beyond(source: _Source, tried: Sequence[ShrinkTrial], floor: float) -> UsageError:
    """That nothing is small and good enough."""
    losses = ", ".join(f"{one.weights} {one.loss:.2f}" for one in tried)
    title = source.report.title(source.metric)
    return UsageError(
        f"{source.trained.run.path}: no form stays within {floor:g} of its {title} on dev ({losses} worse), so that "
        "nothing was written",
        f"--floor {math.ceil(100 * min(one.loss for one in tried)) / 100:g} takes the best of these",
    )


def _fewer(source: _Source) -> Iterator[int]:
    """Half of the words, a quarter, and so on."""
    fitted = source.model.fitted
    if isinstance(fitted, DropsWords):
        words = fitted.words // 2
        while words >= FEWEST_WORDS:
            yield words
            words //= 2


def _smaller(source: _Source, form: Weights, words: int | None, observe: Observer) -> _Smaller:
    """The model with so many words in that form, scored on dev."""
    observe(Stage(f"scoring {form} on dev" if words is None else f"scoring {form} with {words:,} words on dev"))
    recipe, known, module, placement = source.model
    weights = {name: weight.detach().cpu() for name, weight in module.state_dict().items()}
    words, fitted = _fitted(source, form, words)
    if words is not None:
        weights = brought_over(build(fitted, placement).state_dict(), weights, named_axes(fitted), named_axes(known))
        recipe = fitted.recipe
    stored = _rounded(module, weights, form)
    found = build(fitted, placement)
    found.load_state_dict(stored.model)
    if form == "int8":
        in_eight_bits(found)
    model = Model(recipe, fitted, found.eval(), placement)
    return _Smaller(form, words, model, stored, _change(source, _scores(model, source.corpus)))


def _fitted(source: _Source, form: Weights, words: int | None) -> tuple[int | None, Any]:
    """What the model is fitted to in that form with so many words, and their number where fewer than before."""
    fitted: Any = source.model.fitted
    if words is not None and not isinstance(fitted, DropsWords):
        task = source.model.recipe.task
        raise UsageError(f"--words: a model of task {task} has none that can be dropped", "leave it away")
    words = None if words is None or words >= fitted.words else words
    if words is not None:
        fitted = fitted.with_words(words, source.corpus.parts["train"])
    return words, fitted.in_halves() if form != "fp32" and isinstance(fitted, HasTables) else fitted


def _rounded(module: nn.Module, weights: dict[str, torch.Tensor], form: Weights) -> Checkpoint:
    """Weights with each matrix in that form, but for those that are no parameters or hold what is not finite."""
    if form == "fp32":
        return Checkpoint(weights, {}, {})
    matrices = {name for name, one in module.named_parameters() if one.dim() > 1 and one.is_floating_point()}
    rounded = {}
    for name in sorted(matrices & weights.keys()):
        if torch.isfinite(weights[name]).all():
            rounded[name] = RoundedMatrix.of(weights[name].float().cpu().numpy(), form)
    model = weights | {name: torch.from_numpy(one.value()).to(weights[name].dtype) for name, one in rounded.items()}
    return Checkpoint(model, {}, {}, rounded)


def _scores(model: Model, corpus: Corpus) -> Statistics:
    """What a model scores on dev."""
    part = corpus.parts["dev"]
    examples = model.fitted.encode(part)
    batches = evaluation_batches(examples, model.recipe.train, model.placement.device)
    with torch.no_grad(), model.placement.autocast():
        rows = list(model.fitted.predictions(model.module, part, examples, batches))
    return tasks.scoring(model.recipe.task).statistics(rows, model.fitted.about)


def _change(source: _Source, scores: Statistics) -> MetricChange:
    """The metric before and after; where it is a sum over examples, with the paired interval of the difference."""
    metric, settings = source.metric, source.model.recipe.evaluation
    declared, told = source.report.metrics[metric], {}
    before, after = (one.values()[metric] for one in (source.dev, scores))
    parts = [one.parts([metric]).get(metric) for one in (source.dev, scores)]
    if parts[0] is not None and parts[1] is not None and settings.resamples:
        options = {"confidence": settings.confidence, "resamples": settings.resamples}
        found = difference([parts[0]], [parts[1]], seed=source.model.recipe.seed, **options)
        told = {"low": found.low, "high": found.high, "p": found.p}
    return MetricChange(
        metric=metric,
        title=source.report.title(metric),
        unit=declared.unit,
        better=declared.better,
        split="dev",
        examples=len(source.corpus.parts["dev"]),
        before=before,
        after=after,
        difference=after - before,
        confidence=settings.confidence,
        nominal=declared.nominal,
        **({"low": None, "high": None, "p": None} | told),
    )


def _written(
    source: _Source, chosen: _Smaller, tried: Sequence[ShrinkTrial], out: Path | None, argv: Sequence[str]
) -> Shrunk:
    """The smaller run on disk, finished."""
    of, recipe = source.trained.run, _recipe(source, chosen)
    found, rows = _reported(source, chosen)
    words = chosen.words if isinstance(source.model.fitted, DropsWords) else None
    told = {"from": str(of.path), "weights": chosen.form, "words": words, "units": source.units}
    record = of.read_record()
    first = first_record(recipe, argv) | {key: record[key] for key in COPIED if key in record}
    run = RunDirectory.create(out, f"{of.path.name}-{chosen.form}", dump(recipe), first | {"shrunk": told})
    try:
        with kept_record(run):
            if chosen.model.fitted is source.model.fitted:
                run.keep_vocabulary(lambda folder: shutil.copytree(of.vocabulary, folder, dirs_exist_ok=True))
            else:
                run.keep_vocabulary(chosen.model.fitted.save)
            save_checkpoint(run.best, replace(chosen.weights, meta=source.trained.meta))
            history = [plain(vars(row)) for row in source.history] or of.read_metrics()
            write_lines(run.path / "metrics.jsonl", history)
            run.prediction_file(found.split).parent.mkdir()
            write_lines(run.prediction_file(found.split), rows)
            change = plain(vars(chosen.change)) | {"loss": plain(chosen.change.loss)}
            run.write_record(shrunk=told | {"change": change})
            write_json(run.report, found.to_dict())
        if recipe.evaluation.page:
            page.try_page(run)
    except BaseException:
        shutil.rmtree(run.path, ignore_errors=True)
        raise
    before: Any = source.trained
    whole = Checkpoint(dict(before.model.state_dict()), {}, {})
    return Shrunk(
        run=str(run.path),
        source=str(of.path),
        weights=chosen.form,
        words=words,
        words_before=before.fitted.words if isinstance(before.fitted, DropsWords) else None,
        units=source.units,
        units_before=None if source.units is None else before.recipe.model.hidden,
        change=chosen.change,
        sizes=tuple(sizes(before.model, (whole, chosen.weights), (of, run))),
        tried=tuple(tried),
    )


def _recipe(source: _Source, chosen: _Smaller) -> Recipe:
    """The recipe of the source, with what is other in the smaller model."""
    recipe = with_places(read_run_recipe(source.trained.run.recipe), source.places)
    other = {"data.max_vocabulary": chosen.words, "model.hidden": source.units}
    return recipe.having({key: value for key, value in other.items() if value is not None})


def _reported(source: _Source, chosen: _Smaller) -> tuple[Report, list[dict[str, Any]]]:
    """The report of the smaller model on the split that its source reports, and its predictions."""
    split, of = source.report.split, source.trained.run.path
    part = source.corpus.parts[split]
    rows = predictions(chosen.model, part, chosen.model.fitted.encode(part))
    how = [f"weights {chosen.form}"]
    how += [] if chosen.words is None else [f"{chosen.words:,} words"]
    how += [] if source.units is None else [f"{source.units:,} units, trained on for {len(source.history)} epochs"]
    note = f"made smaller than {of} ({', '.join(how)}); training is that of {of.name}"
    found = report(chosen.model, source.corpus, split, rows, source.report.training, notes=(note,))
    return replace(found, baselines=source.report.baselines), rows
