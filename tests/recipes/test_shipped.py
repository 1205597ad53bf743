"""Every shipped recipe, and every kind of source that a recipe can name."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from ruamel.yaml import YAML

from rnncli.recipe import library
from rnncli.runs.recipes import load_recipe
from tests.commands import TINY, reviews, rnncli

SHIPPED = library.find()
WEIGHTS = Path("checkpoints/best/model.safetensors")


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def rows(count=60):
    return [line.rsplit(",", 1) for line in reviews(count).splitlines()[1:]]


def test_the_shipped_recipes_are_those_that_people_are_told_of():
    names = {shipped.name for shipped in SHIPPED}
    assert {f"sentiment/{name}" for name in ("default", "own-data", "rt-polarity", "waimai", "imdb")} <= names


@pytest.mark.parametrize("shipped", SHIPPED, ids=lambda shipped: shipped.name)
def test_a_shipped_recipe_loads_and_says_what_it_does_and_how_long_it_takes(shipped):
    recipe = load_recipe(shipped.name, [])
    assert shipped.name.split("/")[0] in (recipe.task, "lessons")
    assert recipe.name == shipped.path.stem
    comment = [line for line in shipped.path.read_text(encoding="utf-8").splitlines() if line.startswith("#")]
    assert len(shipped.summary) > 20
    assert len(comment) >= 3


@pytest.mark.parametrize("shipped", SHIPPED, ids=lambda shipped: shipped.name)
def test_a_shipped_recipe_says_nothing_that_is_so_anyway(shipped):
    written = YAML(typ="safe", pure=True).load(shipped.path)
    recipe = load_recipe(shipped.name, [])
    core = {"core": recipe.model.core}  # which decides how many layers are usual
    bare = type(recipe)(task=recipe.task, model=core).model_dump(mode="json")

    def compare(part, default, path):
        for key, value in part.items():
            if isinstance(value, dict) and isinstance(default.get(key), dict) and default[key]:
                compare(value, default[key], f"{path}.{key}")
            else:
                assert key in ("task", "core") or value != default.get(key), f"{path}.{key} says what is so anyway"

    compare(written, bare, shipped.name)


@pytest.mark.parametrize("shipped", SHIPPED, ids=lambda shipped: shipped.name)
def test_what_is_shown_in_full_is_the_same_recipe(shipped, here):
    (here / "full.yaml").write_text(rnncli("recipes", "show", shipped.name, "--full").out, encoding="utf-8")
    assert load_recipe("full.yaml", []) == load_recipe(shipped.name, [])


def test_the_default_recipe_runs_a_batch():
    done = rnncli("run", "sentiment/default", "--dry-run", "--json", "compute.threads=1")
    assert done.code == 0, done.err
    assert set(done.json) == {"train_loss", "dev_loss"}
    assert all(0.4 < loss < 1.2 for loss in done.json.values())


def test_the_recipe_of_a_run_runs_again_from_anywhere_to_the_same_weights(here, monkeypatch):
    (here / "reviews.csv").write_text(reviews())
    assert rnncli("sentiment", "--data", "reviews.csv", "--out", "one", *TINY, "model.evidence=on").code == 0
    (here / "elsewhere").mkdir()
    monkeypatch.chdir(here / "elsewhere")
    assert rnncli("run", "../one/recipe.yaml", "--out", "two").code == 0
    assert Path("two", WEIGHTS).read_bytes() == Path("../one", WEIGHTS).read_bytes()
    assert Path("two/recipe.yaml").read_text() == Path("../one/recipe.yaml").read_text()


def test_another_seed_gives_other_weights_and_another_split(here):
    (here / "reviews.csv").write_text(reviews())
    for seed in (1, 2):
        assert rnncli("sentiment", "--data", "reviews.csv", "--out", seed, *TINY, f"seed={seed}").code == 0
    assert Path("1", WEIGHTS).read_bytes() != Path("2", WEIGHTS).read_bytes()
    assert Path("1/predictions/test.jsonl").read_text() != Path("2/predictions/test.jsonl").read_text()


def write_folders(folder: Path) -> None:
    for number, (text, label) in enumerate(rows()):
        (folder / "classes" / label).mkdir(parents=True, exist_ok=True)
        (folder / "classes" / label / f"{number}.txt").write_text(text)


def write_repository(folder: Path) -> None:
    """A folder of Parquet files, which ``datasets`` loads by the same call as a name of its hub."""
    for split, part in (("train", rows()[:40]), ("test", rows()[40:])):
        (folder / "repository" / "data").mkdir(parents=True, exist_ok=True)
        table = pa.table({"text": [text for text, _ in part], "label": [label for _, label in part]})
        pq.write_table(table, folder / "repository" / "data" / f"{split}-00000-of-00001.parquet")


def write_parquet(folder: Path) -> None:
    texts, labels = zip(*rows(), strict=True)
    pq.write_table(pa.table({"text": texts, "label": labels}), folder / "x.parquet")


def write_splits(folder: Path) -> None:
    (folder / "parts").mkdir()
    for name in ("train", "dev", "test"):
        (folder / "parts" / f"{name}.csv").write_text(reviews(40))


SOURCES = {
    "x.csv": lambda folder: (folder / "x.csv").write_text(reviews()),
    "x.tsv": lambda folder: (folder / "x.tsv").write_text(
        "".join("\t".join(row) + "\n" for row in [["text", "label"], *rows()])
    ),
    "x.jsonl": lambda folder: (folder / "x.jsonl").write_text(
        "".join(json.dumps({"text": text, "label": label}) + "\n" for text, label in rows())
    ),
    "x.parquet": write_parquet,
    "classes": write_folders,
    "parts": write_splits,
    "repository": write_repository,
    "gb.csv": lambda folder: (folder / "gb.csv").write_bytes(
        ("text,label\n" + "很好吃的饭,好\n太难吃的饭,坏\n味道不错,好\n味道不行,坏\n" * 10).encode("gb18030")
    ),
    "bom.csv": lambda folder: (folder / "bom.csv").write_text(reviews(), encoding="utf-8-sig"),
}


@pytest.mark.parametrize("source", SOURCES)
def test_every_kind_of_source_trains(source, here, monkeypatch):
    monkeypatch.setenv("HF_HOME", str(here / "cache"))
    monkeypatch.setenv("HF_DATASETS_OFFLINE", "1")
    if source == "repository":
        from datasets import config

        monkeypatch.setattr(config, "HF_DATASETS_CACHE", here / "cache")
    SOURCES[source](here)
    done = rnncli("sentiment", "--data", source, *TINY, "data.drop_duplicates=false", "--json")
    assert done.code == 0, done.err
    assert len(done.json["labels"]) == 2
    assert done.json["examples"] == {"parts": 40, "repository": 20, "gb.csv": 4}.get(source, 6)
    if source == "gb.csv":
        assert "gb18030" in " ".join(done.json["notes"])
        assert "character" in " ".join(done.json["notes"])


@pytest.mark.parametrize("unit", ["whitespace", "word", "character", "subword"])
def test_every_kind_of_unit_trains_and_predicts(unit, here):
    (here / "x.csv").write_text(reviews())
    done = rnncli("sentiment", "--data", "x.csv", *TINY, f"data.unit={unit}", "data.subwords=60", "--out", "run")
    assert done.code == 0, done.err
    assert rnncli("predict", "run", "good film").lines[0]["label"] in ("negative", "positive")


@pytest.mark.parametrize(
    "keys",
    [
        "model.cell=lstm model.layers=2 model.layer_dropout=.2 model.initial_state=learnt",
        "model.cell=rnn model.activation=relu model.bidirectional=false model.pooling=last",
        "model.reset=after model.pooling=attention+last model.variational_dropout=.3",
        "train.optimizer=sgd train.schedule=cosine train.warmup_steps=3 train.accumulate=2 train.ema=0",
        "train.optimizer=adam train.schedule=plateau train.clip_norm=0 train.class_weights=balanced",
        "train.label_smoothing=.1 compute.deterministic=true compute.precision=bf16 train.best_by=f1_macro",
    ],
)
def test_every_choice_of_a_recipe_trains(keys, here):
    (here / "x.csv").write_text(reviews())
    done = rnncli("sentiment", "--data", "x.csv", *TINY, *keys.split(), "--json")
    assert done.code == 0, done.err


@pytest.mark.slow
def test_one_fold_of_rt_polarity_is_read_well(real_data, here):
    data = f"data.root={real_data / 'sentiment'}"
    done = rnncli("run", "sentiment/rt-polarity", data, "data.fold=0", "train.epochs=2", "compute.threads=1", "--json")
    assert done.code == 0, done.err
    assert done.json["metrics"]["accuracy"]["value"] >= 0.77


@pytest.mark.slow
@pytest.mark.long
def test_the_rarer_class_of_waimai_is_found_better_than_by_the_baselines(real_data, here):
    data = f"data.root={real_data / 'sentiment'}"
    done = rnncli("run", "sentiment/waimai", data, "compute.threads=1", "--json")
    assert done.code == 0, done.err
    report = done.json
    rivals = [figures["f1"] for figures in report["baselines"].values() if figures.get("f1") is not None]
    assert report["positive"] == "1"
    assert report["metrics"]["f1"]["value"] > max(rivals)
