"""Actions as people type them: their clips in, classes out; bad ones end in a count or a sentence."""

import csv
import io
import json
import shutil

import h5py
import numpy as np
import pytest

import rnncli as face
from tests.commands import rnncli
from tests.data.video.damaged import ARRAYS, PICTURES, VIDEOS
from tests.tasks.clips import TINY, dots, write_clips

DATA, RECIPE = 3, 2
POINTS = ("points.dimensions=2", "points.scale=[0, 1]")


@pytest.fixture(scope="module")
def trained_folder(tmp_path_factory):
    """A folder with clips and a run on them."""
    folder = tmp_path_factory.mktemp("action")
    csv = write_clips(folder)
    keys = (*TINY, *POINTS, "train.epochs=12", "train.learning_rate=0.02", "evaluation.baselines=true")
    done = rnncli("action", "--data", csv, "--out", folder / "run", *keys, "--json")
    assert done.code == 0, done.err
    (folder / "report.json").write_text(done.out, encoding="utf-8")
    return folder


@pytest.fixture
def here(tmp_path, trained_folder, monkeypatch):
    """A copy of the clips, and where one is."""
    shutil.copytree(trained_folder / "clips", tmp_path / "clips")
    shutil.copy(trained_folder / "clips.csv", tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_report_is_that_of_a_classifier_and_no_subject_is_in_two_parts(trained_folder):
    report = json.loads((trained_folder / "report.json").read_text(encoding="utf-8"))
    assert {"accuracy", "f1_macro", "log_loss"} <= set(report["metrics"])
    assert report["labels"] == ["fall", "rise", "stay"]
    assert set(report["baselines"]) == {"majority", "mean frame + logistic", "nearest neighbour"}
    assert any("no group in two parts" in note for note in report["notes"])
    row = json.loads((trained_folder / "run/predictions/test.jsonl").read_text(encoding="utf-8").splitlines()[0])
    assert {"place", "truth", "file", "label", "probabilities"} == set(row)


def test_clips_are_named_alike_whatever_their_batch_mates(trained_folder, here):
    together = rnncli("predict", trained_folder / "run", "clips/0.npy", "clips/1.npy", "clips/2.npy").lines
    assert [row["file"] for row in together] == ["clips/0.npy", "clips/1.npy", "clips/2.npy"]
    alone = rnncli("predict", trained_folder / "run", "clips/1.npy").lines[0]
    assert alone["label"] == together[1]["label"]
    assert alone["probabilities"] == pytest.approx(together[1]["probabilities"], abs=1e-5)
    assert len(rnncli("predict", trained_folder / "run", "clips").lines) == 36
    by_stream = rnncli("predict", trained_folder / "run", "-", stdin="clips/0.npy\n\nclips/1.npy\n").lines
    assert [row["label"] for row in by_stream] == [row["label"] for row in together[:2]]


def test_another_file_is_scored(trained_folder, here):
    done = rnncli("evaluate", trained_folder / "run", "--data", "clips.csv", "--json")
    assert done.code == 0, done.err
    assert done.json["examples"] == 36
    assert done.json["metrics"]["accuracy"]["value"] > 0.5


def test_each_subject_is_left_out_once(here):
    done = rnncli("action", "--data", "clips.csv", "--out", "run", *TINY, "data.folds=6", "train.epochs=1", "--json")
    assert done.code == 0, done.err
    assert len(done.json["folds"]) == 6
    assert done.json["examples"] == 36


def write_classes(here):
    for number in range(36):
        label = ("rise", "fall", "stay")[number % 3]
        (here / "classes" / label).mkdir(parents=True, exist_ok=True)
        shutil.copy(here / f"clips/{number}.npy", here / "classes" / label)
    return "classes"


def write_h5(here):
    lines = ["features,action"]
    with h5py.File(here / "all.h5", "w") as file:
        for number in range(36):
            label = ("rise", "fall", "stay")[number % 3]
            file[f"{label}/{number}"] = dots(label, number)
            lines.append(f"all.h5#{label}/{number},{label}")
    (here / "h5.csv").write_text("\n".join(lines) + "\n")
    return "h5.csv"


def write_npz(here):
    np.savez(here / "all.npz", **{f"c{n}": np.load(here / f"clips/{n}.npy") for n in range(36)})
    rows = [{"frames": f"all.npz#c{n}", "label": ("rise", "fall", "stay")[n % 3]} for n in range(36)]
    (here / "npz.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return "npz.jsonl"


def write_pixels(here):
    lines = ["frames,label"]
    for number in range(36):
        frames = np.zeros((6, 16, 16), dtype=np.uint8)
        for t in range(6):
            row = 2 * t if number % 2 else 12 - 2 * t
            frames[t, row : row + 3, number % 8 : number % 8 + 3] = 255
        np.save(here / f"clips/p{number}.npy", frames)
        lines.append(f"clips/p{number}.npy,{'down' if number % 2 else 'up'}")
    (here / "pixels.csv").write_text("\n".join(lines) + "\n")
    return "pixels.csv"


@pytest.mark.parametrize("write", [write_classes, write_h5, write_npz, write_pixels])
def test_every_kind_of_source_trains_and_predicts(write, here):
    done = rnncli("action", "--data", write(here), "--out", "run", *TINY, "model.channels=4", "--json")
    assert done.code == 0, done.err
    assert done.json["dropped"] == {}
    path = {"write_h5": "all.h5#rise/0", "write_npz": "all.npz#c0", "write_pixels": "clips/p0.npy"}
    row = rnncli("predict", "run", path.get(write.__name__, "clips/0.npy")).lines[0]
    assert row["label"] in done.json["labels"]


@pytest.mark.parametrize(
    "keys",
    [
        "model.cell=lstm model.layers=2 model.pooling=attention train.class_weights=balanced",
        "model.bidirectional=false model.pooling=last train.label_smoothing=.1 data.differences=true",
        "points.dimensions=2 points.parts=[0-1,2-3] points.mirrored=[0-1] variation.flip=.5 variation.drop=.2",
        "data.every=2 data.most_frames=3 data.by_group=false",
        "data.split_column=part",
        "data.fold_column=fold data.folds=2 data.fold=1",
    ],
)
def test_every_choice_of_a_recipe_trains(keys, here):
    lines = (here / "clips.csv").read_text().splitlines()
    rows = [f"{line},{('train', 'dev', 'train', 'test')[n // 3 % 4]},{n // 3 % 2}" for n, line in enumerate(lines[1:])]
    (here / "more.csv").write_text("\n".join([lines[0] + ",part,fold", *rows]) + "\n")
    done = rnncli("action", "--data", "more.csv", "--out", "run", *TINY, *keys.split(), "--json")
    assert done.code == 0, done.err


def test_data_check_describes_clips(here):
    done = rnncli("data", "check", "action/own-data", "data.train=clips.csv", "--json")
    assert done.code == 0, done.err
    titles = [table["title"] for table in done.json["tables"]]
    assert titles == [
        "clips, and their lengths in frames",
        "classes",
        "equal clips",
        "groups",
        "steps of training",
        "dropped rows",
    ]
    groups = done.json["tables"][3]["rows"]
    assert all(row["also in train"] == "-" for row in groups)


def spoilt(here, name):
    """Clip 0 made a bad one, or its row."""
    clip, rows = here / "clips/0.npy", (here / "clips.csv").read_text().splitlines()
    match name:
        case "missing file":
            clip.unlink()
        case "unreadable frames":
            clip.write_bytes(clip.read_bytes()[:100])
        case "clip without frames":
            np.save(clip, np.zeros((0, 8)))
        case "frames of another shape":
            np.save(clip, np.zeros(8))
        case "figures that are no numbers":
            np.save(clip, np.full((4, 8), np.nan))
        case "no label":
            rows[1] = "clips/0.npy,,s0"
        case "duplicate row":
            rows.append(rows[1])
        case "row without a file":
            rows[1] = ",rise,s0"
        case "file of another kind":
            clip.rename(here / "clips/0.txt")
            rows[1] = "clips/0.txt,rise,s0"
        case "clip without any point":
            np.save(clip, np.zeros((4, 8)))
    (here / "clips.csv").write_text("\n".join(rows) + "\n")


@pytest.mark.parametrize(
    "reason",
    [
        "missing file",
        "unreadable frames",
        "clip without frames",
        "frames of another shape",
        "figures that are no numbers",
        "no label",
        "duplicate row",
        "row without a file",
        "file of another kind",
        "clip without any point",
    ],
)
def test_a_bad_clip_is_dropped_and_counted(reason, here):
    spoilt(here, reason)
    done = rnncli("action", "--data", "clips.csv", "--out", "run", *TINY, *POINTS, "train.epochs=1", "--json")
    assert done.code == 0, done.err
    assert done.json["dropped"] == {reason: 1}


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ("frames,label\nno/1.npy,a\nno/2.npy,b\n", "no/1.npy: no such file"),
        ("frames,label\nclips/0.npy,\nclips/1.npy,\n", "no clip has a label"),
        ("picture,label\nclips/0.npy,a\n", "no column of frames"),
        ("frames,what\nclips/0.npy,a\n", "no column of labels"),
        ("frames,label\nclips/0.npy,a\nclips/1.npy,b\nclips/2.npy,a\n", "too few"),
        ("frames,label\n" + "".join(f"clips/{n}.npy,a\n" for n in range(30)), "only the label a"),
        ("frames,label\nclips/0.npy,a\nclips/wide.npy,b\n", "frames of 9 figures, where the first clip has 8"),
    ],
)
def test_a_table_of_no_use_ends_in_a_sentence(rows, says, here):
    np.save(here / "clips/wide.npy", np.zeros((4, 9)))
    (here / "clips.csv").write_text(rows)
    done = rnncli("action", "--data", "clips.csv", "--out", "run", *TINY)
    assert done.code == DATA
    assert says in done.err
    assert "Traceback" not in done.err
    assert not (here / "run").exists()


def test_a_table_that_is_not_there_is_not_taken_for_a_name_of_the_hub(here):
    done = rnncli("action", "--data", "clips/none.csv", "--out", "run", *TINY)
    assert done.code == DATA
    assert "clips/none.csv: no such file" in done.err


def test_a_class_that_training_lacks_is_named(here):
    (here / "test.csv").write_text("frames,label\nclips/0.npy,jump\n")
    done = rnncli("action", "--data", "clips.csv", "--test", "test.csv", "--out", "run", *TINY)
    assert done.code == DATA
    assert '"jump"' in done.err


@pytest.mark.parametrize(
    ("key", "code", "says"),
    [
        ("points.dimensions=3", DATA, "no points of 3 coordinates"),
        ("points.scale=[1]", RECIPE, "two points"),
        ("points.parts=[hand]", RECIPE, "parts"),
        ("data.group_column=person", DATA, "person"),
        ("train.best_by=wer", RECIPE, "wer"),
        ("train.best_by=f1", RECIPE, "there are 3"),
    ],
)
def test_settings_that_do_not_fit_are_refused(key, code, says, here):
    done = rnncli("action", "--data", "clips.csv", "--out", "run", *TINY, key)
    assert done.code == code
    assert says in done.err


@pytest.mark.parametrize(
    ("inputs", "says"),
    [
        (["no.npy"], "no.npy: no such file"),
        (["empty"], "no clip"),
        (["wide.npy"], "frames of 9 figures"),
        (["clips.txt"], "no reader"),
    ],
)
def test_what_is_no_clip_is_refused_by_name(inputs, says, trained_folder, here):
    (here / "empty").mkdir()
    np.save(here / "wide.npy", np.ones((4, 9)))
    (here / "clips.txt").touch()
    done = rnncli("predict", trained_folder / "run", *inputs)
    assert done.code == DATA
    assert says in done.err


@pytest.mark.slow
def test_signs_are_told_apart(real_data, here):
    keys = (f"data.root={real_data / 'action/signs'}", "train.epochs=8", "compute.threads=1")
    done = rnncli("run", "action/signs", *keys, "--json")
    assert done.code == 0, done.err
    assert done.json["metrics"]["accuracy"]["value"] > 0.9


def test_damaged_arrays_among_good_ones_are_counted_and_named(here):
    rows = (here / "clips.csv").read_text()
    for name, write in ARRAYS.items():
        write(here / "clips" / name)
        rows += f"clips/{name},rise,s0\n"
    rows += f"clips/{'n' * 300}.npy,rise,s0\n"
    (here / "clips.csv").write_text(rows)
    done = rnncli("action", "--data", "clips.csv", "--out", "run", *TINY, *POINTS, "train.epochs=1", "--json")
    assert done.code == 0, done.err
    assert done.json["dropped"] == {"unreadable frames": len(ARRAYS), "no regular file": 1}
    assert "clips/petabytes.npy" in done.err


@pytest.mark.parametrize("name", ["svg.png", "codec.mkv", "codec.mp4", "claims.png", "petabytes.npy", "petabytes.h5"])
def test_a_damaged_file_among_those_to_name_is_refused_by_name(name, trained_folder, here):
    (ARRAYS | PICTURES | VIDEOS)[name](here / name)
    done = rnncli("predict", trained_folder / "run", "clips/0.npy", name, "clips/1.npy")
    assert done.code == DATA
    assert name in done.err
    assert "Traceback" not in done.err


def test_those_before_a_damaged_file_are_answered_a_batch_at_a_time(trained_folder, here):
    ARRAYS["petabytes.npy"](here / "bad.npy")
    done = rnncli("predict", trained_folder / "run", *(f"clips/{n}.npy" for n in range(20)), "bad.npy")
    assert done.code == DATA
    assert len(done.lines) == 16
    assert "bad.npy" in done.err


def test_a_list_of_clips_comes_back_with_their_classes(trained_folder, tmp_path):
    text = f"id,frames\n007,clips/0.npy\n8,clips/none.npy\n9,\n010,{trained_folder}/clips/1.npy\n"
    (trained_folder / "new.csv").write_text(text, encoding="utf-8")
    done = rnncli("predict", trained_folder / "run", trained_folder / "new.csv", "--out", tmp_path / "out.csv")
    assert done.code == 0, done.err
    assert "2 rows without a prediction: 1 missing file, 1 row without a file" in done.err
    assert "none.npy" in done.err
    rows = list(csv.DictReader(io.StringIO((tmp_path / "out.csv").read_text(encoding="utf-8"))))
    assert [row["id"] for row in rows] == ["007", "8", "9", "010"]
    assert [bool(row["label"]) for row in rows] == [True, False, False, True]
    lines = rnncli("predict", trained_folder / "run", trained_folder / "new.csv").lines
    named = rnncli("predict", trained_folder / "run", *(trained_folder / f"clips/{n}.npy" for n in (0, 1))).lines
    assert [lines[0], lines[3]] == named
    assert [float(rows[n]["probability_fall"]) for n in (0, 3)] == [row["probabilities"]["fall"] for row in named]
    model = face.load(trained_folder / "run")
    assert model.predict(trained_folder / "new.csv") == lines
    whole = [{"frames": str(trained_folder / f"clips/{n}.npy")} for n in (0, 1)]
    assert model.predict(whole) == named
