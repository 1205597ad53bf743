"""Run directories and checkpoints that cannot be written, read or continued."""

import json
import resource
import shutil

import pytest

from tests.cli.bad import Bad, assert_told, cut, put, remove, snapshot, swap, try_it
from tests.commands import TINY, rnncli

RUN = 4
MODEL = "checkpoints/best/model.safetensors"
TOKENS = '{"kind": "vocabulary", "specials": ["<pad>", "<unk>"], "tokens": ["a"]}'
COUNTS = '{"kind": "labels", "counts": {"a": 1, "b": 1, "c": 1}}'
BEST = "run/checkpoints/best"
CASES = (
    Bad("a run that is not there", "predict runs/none x", RUN, ("runs/none",)),
    Bad("a folder that is no run", "predict . x", RUN, ("not a run directory",)),
    Bad("a file for a run", "evaluate reviews.csv", RUN, ("reviews.csv",)),
    Bad("a folder to resume that is no run", "run --resume .", RUN, ("not a run directory",)),
    Bad("a run to resume that is not there", "run --resume runs/none", RUN, ("runs/none",)),
    Bad("a truncated checkpoint", "predict run x", RUN, (BEST, "damaged"), damage=cut(MODEL)),
    Bad("a checkpoint cut in its header", "predict run x", RUN, (BEST, "damaged"), damage=cut(MODEL, 4)),
    Bad("a checkpoint of nothing", "predict run x", RUN, (BEST, "damaged"), damage=cut(MODEL, 0)),
    Bad("broken meta.json", "predict run x", RUN, (BEST, "damaged"), damage=cut("checkpoints/best/meta.json", 3)),
    Bad(
        "meta.json that is a list",
        "evaluate run",
        RUN,
        (BEST, "damaged"),
        damage=put("checkpoints/best/meta.json", "[]"),
    ),
    Bad("no checkpoint", "evaluate run", RUN, (BEST, "no checkpoint"), damage=remove("checkpoints")),
    Bad("half a checkpoint", "predict run x", RUN, (BEST,), damage=remove(MODEL)),
    Bad("other shapes", "predict run x", RUN, (BEST, "shape"), damage=swap("recipe.yaml", "hidden: 8", "hidden: 9")),
    Bad("another cell", "predict run x", RUN, (BEST,), damage=swap("recipe.yaml", "cell: gru", "cell: lstm")),
    Bad("another pooling", "predict run x", RUN, (BEST,), damage=swap("recipe.yaml", "mean+max", "attention")),
    Bad(
        "a vocabulary that does not fit",
        "predict run x",
        RUN,
        (BEST, "shape"),
        damage=put("vocab/vocabulary.json", TOKENS),
    ),
    Bad(
        "a vocabulary cut short", "predict run x", RUN, ("vocab/vocabulary.json:",), damage=cut("vocab/vocabulary.json")
    ),
    Bad("no vocabulary", "predict run x", RUN, ("vocab/vocabulary.json",), damage=remove("vocab/vocabulary.json")),
    Bad("broken labels", "predict run x", RUN, ("vocab/labels.json",), damage=cut("vocab/labels.json", 20)),
    Bad(
        "labels without counts",
        "predict run x",
        RUN,
        ("vocab/labels.json",),
        damage=put("vocab/labels.json", '{"kind": "labels"}'),
    ),
    Bad("labels that do not fit", "predict run x", RUN, (BEST, "linear"), damage=put("vocab/labels.json", COUNTS)),
    Bad("broken units", "predict run x", RUN, ("vocab/units.json",), damage=put("vocab/units.json", "[]")),
    Bad(
        "units of no kind",
        "predict run x",
        RUN,
        ("vocab/units.json",),
        damage=swap("vocab/units.json", "word", "phoneme"),
    ),
    Bad(
        "a broken recipe in a run",
        "predict run x",
        RUN,
        ("run/recipe.yaml:2",),
        damage=put("recipe.yaml", "task: sentiment\ncolour: red\n"),
    ),
    Bad(
        "a recipe of no task in a run",
        "predict run x",
        RUN,
        ("run/recipe.yaml:1",),
        damage=put("recipe.yaml", "task: telepathy\n"),
    ),
    Bad(
        "a recipe of another task in a run",
        "predict run x.wav",
        RUN,
        ("run.json: data.label_column: unknown key",),
        damage=put("recipe.yaml", "task: speech\n"),
    ),
    Bad("no recipe in a run", "evaluate run", RUN, ("run", "recipe.yaml"), damage=remove("recipe.yaml")),
    Bad("a broken report, evaluated", "evaluate run", RUN, ("run/report.json",), damage=cut("report.json")),
    Bad(
        "a report of other fields",
        "evaluate run",
        RUN,
        ("run/report.json",),
        damage=put("report.json", '{"task": "x"}'),
    ),
    Bad("a report that is a list", "evaluate run", RUN, ("run/report.json",), damage=put("report.json", "[]")),
    Bad("a broken report, resumed", "run --resume run", RUN, ("run/report.json",), damage=cut("report.json")),
)


@pytest.mark.parametrize("bad", CASES, ids=lambda bad: bad.name)
def test_a_bad_run_ends_in_one_sentence_and_stays_as_it_was(bad, here, trained):
    try_it(bad, here, trained)


def unfinished(trained, here):
    shutil.copytree(trained, here / "run")
    (here / "run" / "report.json").unlink()
    return here / "run"


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("run/run.json", cut("run.json")),
        ("run/run.json", put("run.json", "[]")),
        ("run/checkpoints/last", cut("checkpoints/last/model.safetensors")),
        ("run/checkpoints/last", cut("checkpoints/last/training.safetensors")),
        ("run/checkpoints/last", remove("checkpoints/last/training.safetensors")),
        ("run/checkpoints/last", put("checkpoints/last/meta.json", "{}")),
        ("run/checkpoints/last", put("checkpoints/last/meta.json", '{"progress": {"epoch": "two"}}')),
        ("run/vocab/vocabulary.json", remove("vocab/vocabulary.json")),
    ],
)
def test_a_damaged_run_cannot_be_resumed_and_says_what_is_damaged(name, damage, trained, here):
    damage(unfinished(trained, here))
    assert_told(rnncli("run", "--resume", "run"), RUN, name)


def test_lines_of_the_metrics_that_a_kill_cut_short_are_left_out(trained, here):
    metrics = unfinished(trained, here) / "metrics.jsonl"
    whole = metrics.read_text()
    metrics.write_text(whole + whole[:50] + '\n{"epoch": 1}\n3\n')
    done = rnncli("run", "--resume", "run", "--json")
    assert done.code == 0, done.err
    assert metrics.read_text() == whole


def test_a_cross_validation_has_no_model_of_its_own_and_names_those_it_has(here, trained):
    shutil.copytree(trained, here / "run")
    shutil.copytree(trained, here / "run" / "folds" / "0")
    assert_told(rnncli("predict", "run", "x"), RUN, "a model for each of its folds", "run/folds/0")


@pytest.mark.parametrize("out", ["reviews.csv/run", "/proc/self/run"])
def test_a_place_that_cannot_be_written_is_named(out, here):
    before = snapshot(here)
    done = rnncli("sentiment", "--data", "reviews.csv", "--out", out, *TINY)
    assert_told(done, RUN, out, "cannot make the run directory")
    assert snapshot(here) == before


@pytest.mark.parametrize(("room", "code"), [(100, RUN), (2_000, 3), (6_000, RUN)])
def test_a_disk_without_room_ends_in_one_sentence(room, code, here):
    """A limit on the size of files stands for the disk: first no recipe fits, then no data, then no checkpoint."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
    try:
        done = rnncli("sentiment", "--data", "reviews.csv", "--out", "out", *TINY)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert_told(done, code, "File too large")


def test_a_run_that_ran_out_of_room_goes_on_when_there_is_room(here):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (6_000, hard))
    try:
        rnncli("sentiment", "--data", "reviews.csv", "--out", "out", *TINY)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert json.loads((here / "out" / "run.json").read_text())["exit_code"] == RUN
    assert rnncli("run", "--resume", "out", "--json").code == 0
    assert (here / "out" / "report.json").is_file()
