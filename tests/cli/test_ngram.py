"""Learning a language model on the command line."""

import pytest

from rnncli.data.text.ngram import read_arpa
from tests.commands import rnncli


@pytest.mark.parametrize(("name", "text"), [("a.txt", "Go on\ngo  home\n\n"), ("a.csv", "text\nGo on\ngo home\n")])
def test_a_model_is_learnt_from_lines_and_from_a_column(name, text, tmp_path):
    (tmp_path / name).write_text(text)
    done = rnncli("ngram", tmp_path / name, tmp_path / "lm.arpa", "--order", 2, "--json")
    assert done.code == 0, done.err
    assert (done.json["sentences"], done.json["words"], done.json["vocabulary"]) == (2, 4, 3)
    model = read_arpa(tmp_path / "lm.arpa")
    assert model.order == 2
    assert model.log("on", ("go",)) > model.log("go", ("go",))


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["no.txt", "lm.arpa"], 3, "no.txt: no such file"),
        (["a.txt", "a.txt"], 2, "there already"),
        (["a.txt", "lm.arpa", "--order", "0"], 2, "--order"),
        (["blank.txt", "lm.arpa"], 3, "no words"),
        (["a.txt", "no/lm.arpa"], 3, "cannot be written"),
        (["a.csv", "lm.arpa", "--text-column", "words"], 3, 'no column "words"'),
    ],
)
def test_what_cannot_be_done_is_said(arguments, code, says, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.txt").write_text("go on\n")
    (tmp_path / "a.csv").write_text("text\ngo on\n")
    (tmp_path / "blank.txt").write_text("\n\n")
    done = rnncli("ngram", *arguments)
    assert done.code == code
    assert says in done.err
    assert "Traceback" not in done.err
