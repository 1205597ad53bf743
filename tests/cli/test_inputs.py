"""What predict is given: streams, pipes, files and names, each read for what it is or refused in one sentence."""

import io
import os
import threading

import pytest
from rich.console import Console

from rnncli.cli.tables import print_table
from rnncli.cli.terminal import Terminal
from rnncli.runs.use import open_predictor
from tests.commands import rnncli

CSV = 'id,text,label\n1,"good, and short",x\n2,bad film,y\n'


def labels(done):
    assert done.code == 0, done.err
    return [(row["text"], row["label"]) for row in done.lines]


@pytest.fixture
def pipe():
    """A pipe as a shell makes one of ``<(...)``: its name, and what is to be written to it."""
    reader, writer = os.pipe()

    def fill(content: bytes) -> str:
        os.write(writer, content)
        os.close(writer)
        return f"/dev/fd/{reader}"

    yield fill
    os.close(reader)


def test_a_pipe_that_is_named_is_read_like_stdin(trained, pipe):
    found = labels(rnncli("predict", trained, pipe(b"good film\nbad film\n")))
    assert found == labels(rnncli("predict", trained, "good film", "bad film"))


def test_a_named_pipe_of_csv_is_read_by_its_column(trained, tmp_path):
    os.mkfifo(tmp_path / "f.csv")
    threading.Thread(target=(tmp_path / "f.csv").write_text, args=(CSV,), daemon=True).start()
    found = labels(rnncli("predict", trained, tmp_path / "f.csv"))
    assert [text for text, _ in found] == ["good, and short", "bad film"]


def test_csv_on_stdin_is_read_by_its_column(trained):
    for stdin in (CSV, CSV.replace("id,text,label", "Id,Text,Label"), "id\ttext\n1\tgood, and short\n2\tbad film\n"):
        assert [text for text, _ in labels(rnncli("predict", trained, stdin=stdin))] == ["good, and short", "bad film"]
    assert labels(rnncli("predict", trained, "--format", "text", stdin=CSV))[0][0] == "id,text,label"
    plain = "well, good\nbad\n"
    assert [text for text, _ in labels(rnncli("predict", trained, stdin=plain))] == ["well, good", "bad"]


@pytest.mark.parametrize(
    ("stdin", "says"),
    [
        ("id,headline,label\n1,good,x\n", "stdin: no column of texts by its name: which one holds them?"),
        ("[\n {}\n]\n", "a JSON document over several lines"),
        ('[{"text": "a"},\n', "a JSON document over several lines"),
        (b"good\ncaf\xe9\n", "stdin:2: not UTF-8"),
        (b"g\0ood\n", "stdin:1: a NUL byte"),
        (b'{"text": "\\ud83d"}\n', "half a surrogate pair"),
        ('id,text\n1,"a\n', "stdin:2: not csv"),
    ],
)
def test_what_cannot_be_meant_on_stdin_is_refused(trained, stdin, says):
    done = rnncli("predict", trained, stdin=stdin)
    assert done.code == 3
    assert says in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    ("inputs", "code", "says"),
    [
        (["/dev/zero"], 3, "a device, where a text, a file or a pipe is wanted"),
        (["{here}"], 3, "a folder, where a text or a file is wanted"),
        (["{here}/none.csv"], 3, "no such file"),
        (["./none"], 3, "no such file"),
        (["~/none/of/it"], 3, "no such file"),
        (["good", "a.csv"], 2, "one of 2 arguments, which are texts then, not files"),
        (["good", "-"], 2, "one of 2 arguments"),
        (["caf\udce9"], 3, "bytes that are not UTF-8"),
    ],
)
def test_a_name_is_not_classified(trained, here, inputs, code, says):
    done = rnncli("predict", trained, *(one.replace("{here}", str(here)) for one in inputs))
    assert done.code == code
    assert says in " ".join(done.err.split())


def test_a_home_is_known_by_its_sign(trained, here, monkeypatch):
    monkeypatch.setenv("HOME", str(here))
    (here / "texts.txt").write_text("good film\n", encoding="utf-8")
    assert labels(rnncli("predict", trained, "~/texts.txt")) == labels(rnncli("predict", trained, "good film"))
    assert labels(rnncli("predict", trained, "~ so so"))[0][0] == "~ so so"


@pytest.mark.parametrize("width", [40, 80, 200])
def test_a_table_is_as_wide_as_the_terminal(trained, width):
    terminal, shown = Terminal(), io.StringIO()
    terminal.out = Console(file=shown, width=width, force_terminal=True, color_system=None)
    predictor = open_predictor(trained)
    texts = [" ".join(["good"] * 39), "bad"]
    print_table(terminal, *predictor.table(predictor.predict(texts)))
    lines = shown.getvalue().splitlines()
    assert max(map(len, lines)) == width
    assert all(len(line) <= width for line in lines)
    assert lines[-1].endswith("  bad")


def test_a_folder_of_runs_is_listed_with_what_to_type(trained):
    done = rnncli("predict", trained.parent, "good")
    assert done.code == 4
    assert f"{trained.parent}: a folder of runs, not a run" in done.err
    assert f"rnncli predict {trained}   (sentiment, finished, accuracy" in done.err
