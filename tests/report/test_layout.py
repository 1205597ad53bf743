import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.text import Text

from rnncli.report.layout import grid, shorten, visible, wrap
from rnncli.report.numbers import duration, interval, magnitude, number, signed

words = st.text(st.sampled_from("ab 好评x"), max_size=60)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred", "␛[31mred"),
        ("a\nb\tc\r", "a␊b␉c␍"),
        ("\x7f\x9b", "␡\\x9b"),
        ("\u202eabc\u2028", "\\u202eabc\\u2028"),
        ("\ud800", "\\ud800"),
        ("中性　评论 é 👍", "中性　评论 é 👍"),
    ],
)
def test_what_could_steer_a_terminal_is_shown_instead(text, shown):
    assert visible(text) == shown
    assert visible(text).encode()


def test_columns_align_by_what_a_terminal_shows():
    lines = grid([["好评", "1"], ["positive", "1,000"]], "lr")
    assert [line.plain for line in lines] == ["好评          1", "positive  1,000"]


def test_cells_are_never_read_as_markup():
    assert grid([["[red]x[/red]", "[/]"]], "ll")[0].plain == "[red]x[/red]  [/]"


def test_lines_end_without_blanks():
    assert [line.plain for line in grid([["a", "b"], ["long", ""]], "ll")] == ["a     b", "long"]


def test_flexible_columns_give_way_and_the_others_do_not():
    line = grid([["a very long label indeed", "12345678"]], "lr", width=20, flexible=(0,))[0]
    assert line.plain == "a very…eed  12345678"
    assert grid([["a very long label indeed", "12345678"]], "lr")[0].cell_len == 34


def test_styles_survive_shortening():
    line = grid([[Text("a very long label", style="bold")]], "l", width=8, flexible=(0,))[0]
    assert line.spans[0].style == "bold"


@given(words, st.integers(1, 30))
def test_a_shortened_text_fits_and_a_short_one_is_left_alone(text, width):
    assert cell_len(shorten(text, width)) <= width
    if cell_len(text) <= width:
        assert shorten(text, width) == text


@given(words, st.integers(2, 30))
def test_wrapping_keeps_every_word_and_fits(text, width):
    lines = wrap(text, width)
    assert lines
    assert all(cell_len(line) <= width for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


@given(words, st.integers(4, 30), st.integers(1, 3))
def test_too_many_lines_end_in_an_ellipsis(text, width, count):
    lines = wrap(text, width, lines=count)
    assert len(lines) <= count
    assert all(cell_len(line) <= width for line in lines)
    assert lines[-1].endswith("…") == (len(wrap(text, width)) > count)


def test_without_a_width_nothing_is_wrapped():
    assert wrap("word " * 1000, None) == ["word " * 1000]


def test_figures_are_written_in_per_cent_unless_they_are_no_shares():
    assert number(0.77891) == "77.9"
    assert number(0.5124, "plain") == "0.512"
    assert number(1234.5, "plain") == "1,234.5"
    assert number(1234.5, "count") == "1,234"
    assert number(None) == number(float("nan")) == "-"
    assert interval(0.753, 0.803) == "75.3 - 80.3"
    assert interval(None, None) == ""
    assert (signed(0.012), signed(-0.012, "plain")) == ("+1.2", "-0.012")


def test_times_and_sizes_are_short():
    assert [duration(s) for s in (12.34, 59.96, 252.3, 7500)] == ["12.3 s", "1 min 0 s", "4 min 12 s", "2 h 5 min"]
    assert [magnitude(n) for n in (12_345, 1_912_345)] == ["12,345", "1.9 M"]


def test_a_plain_value_is_never_written_as_nothing_that_it_is_not():
    written = [number(value, "plain") for value in (0.0, 0.00042, -0.00042, 0.0006, 99.9994, 1901.146)]
    assert written == ["0.000", "4.2e-04", "-4.2e-04", "0.001", "99.999", "1,901.1"]
    assert [signed(value, "plain") for value in (1901.146, -0.00042, 0.5)] == ["+1,901.1", "-4.2e-04", "+0.500"]
    assert signed(float("nan")) == "-"
