"""What is asked to be written, where texts end, and which files are written."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnncli.errors import DataError, RunError, UsageError
from rnncli.runs.apart import write_pieces
from rnncli.runs.write import Asked, file_samples, prompts, text_samples, until
from rnncli.tasks.predictors import Composition, Prompt

SHORT = st.text("ab", max_size=12)


@given(st.lists(st.text("ab", max_size=4)), st.text("ab", min_size=1, max_size=4))
def test_a_text_ends_before_its_stop_wherever_pieces_are_cut(pieces, stop):
    assert "".join(until(pieces, stop)) == "".join(pieces).partition(stop)[0]


def test_nothing_is_read_behind_a_stop_and_what_is_sure_is_not_held_back():
    pieces = iter(["one ", "two\n", "\nthree", "four"])
    found = until(pieces, "\n\n")
    assert next(found) == "one "
    assert next(found) == "two"
    assert list(found) == []
    assert next(pieces) == "four"


class Texts:
    """Writes the number of a sample again and again."""

    usual_length = 3

    def prompt(self, text):
        if text == "?":
            raise DataError("nothing of it was learnt", "begin otherwise")
        return Prompt(text.upper(), (), None)

    def go_on(self, prompt, sampling, number, length):
        return (str(number) for _ in range(length))


class Files:
    """Writes its length into files."""

    endings = (".mid", ".wav")

    def begin(self, primer, melody, soundfont=None):
        return primer, ("said",)

    def compose(self, begun, sampling, number, *, length, bars):
        return Composition({".mid": bytes([number, length]), ".wav": bytes([bars])}, {"frames": length}, "made")


def test_prompts_come_from_an_argument_a_stream_or_nowhere():
    def texts(prompt, lines=b""):
        import io

        return [one.text for one in prompts(Texts(), Asked(prompt=prompt), io.BytesIO(lines))]

    assert texts(None) == texts("") == [""]
    assert texts("one\ntwo") == ["ONE\nTWO"]
    assert texts("-", b"one\r\n\nthree") == ["ONE", "", "THREE"]
    with pytest.raises(DataError, match=r"^stdin:2: nothing of it"):
        texts("-", b"one\n?\n")
    with pytest.raises(DataError, match=r"^stdin: no prompt came"):
        texts("-")


def test_samples_have_their_numbers_the_usual_length_and_end_at_the_stop():
    def texts(**asked):
        samples = text_samples(Texts(), Prompt("", (), None), Asked(**asked))
        return [(one.number, "".join(one.pieces)) for one in samples]

    assert texts(samples=2) == [(1, "111"), (2, "222")]
    assert texts(length=1) == [(1, "1")]
    assert texts(length=5, stop="11") == [(1, "")]


def files(asked, folder: Path):
    samples, notes = file_samples(Files(), asked, str(folder / "run"))
    assert notes == ("said",)
    found = list(samples)
    for one in found:
        one.save()
    return [[path.name for path in one.paths] for one in found]


def test_files_get_free_names_the_one_that_is_asked_or_a_number(tmp_path):
    assert files(Asked(), tmp_path) == [["run-1.mid", "run-1.wav"]]
    assert files(Asked(samples=2), tmp_path) == [["run-2.mid", "run-2.wav"], ["run-3.mid", "run-3.wav"]]
    asked = Asked(length=7, out=tmp_path / "new/tune.mid")
    assert files(asked, tmp_path) == [["tune.mid", "tune.wav"]]
    assert (tmp_path / "new/tune.mid").read_bytes() == bytes([1, 7])
    assert files(Asked(out=tmp_path / "t.mid", samples=2), tmp_path) == [["t-1.mid", "t-1.wav"], ["t-2.mid", "t-2.wav"]]


def test_nothing_is_overwritten_nor_composed_in_vain(tmp_path):
    (tmp_path / "tune.wav").touch()
    with pytest.raises(UsageError, match=r"tune\.wav exists already"):
        files(Asked(out=tmp_path / "tune.mid"), tmp_path)
    with pytest.raises(UsageError, match=r"ends in \.mid is wanted"):
        files(Asked(out=tmp_path / "tune.mp3"), tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match="cannot be made"):
        files(Asked(out=tmp_path / "file/tune.mid"), tmp_path)


def test_a_file_is_written_whole_or_not_at_all(tmp_path):
    def pieces():
        yield "one"
        raise DataError("the model is gone")

    with pytest.raises(DataError, match="gone"):
        write_pieces(pieces(), tmp_path / "new/text.txt")
    assert list(tmp_path.rglob("*.*")) == []
    write_pieces(["é", "\n"], tmp_path / "text.txt")
    assert (tmp_path / "text.txt").read_bytes() == "é\n".encode()


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"length": 0}, "--length 0"),
        ({"bars": -2}, "--bars -2"),
        ({"samples": 0}, "--samples 0"),
    ],
)
def test_counts_of_no_use_are_refused(asked, says):
    with pytest.raises(UsageError, match=says):
        Asked(**asked)


def test_what_one_kind_of_run_has_no_use_for_is_refused():
    of_music = (
        (Asked(primer=Path("a.mid")), "primer"),
        (Asked(soundfont=Path("a.sf2")), "soundfont"),
        (Asked(bars=2), "bars"),
        (Asked(bars=2, length=2), "bars"),
    )
    for asked, flag in of_music:
        with pytest.raises(UsageError, match=f"--{flag} is not for runs that write texts"):
            next(prompts(Texts(), asked, None))
    for asked, flag in ((Asked(prompt="So"), "prompt"), (Asked(stop="."), "stop")):
        with pytest.raises(UsageError, match=f"--{flag} is not for runs that write pieces of music"):
            file_samples(Files(), asked, "run")
    with pytest.raises(UsageError, match="both say how long"):
        file_samples(Files(), Asked(length=2, bars=2), "run")
