import dataclasses
import io

import pytest
from rich.cells import cell_len
from rich.console import Console

from rnncli.report.build import Classes, Mistake, ReportTable
from rnncli.report.figures import Passage
from rnncli.report.folds import cross_validated
from rnncli.report.matrix import MOST_CLASSES, most_confused, shade
from rnncli.report.reading import report_of
from rnncli.report.render import print_report, render_report
from tests.report.samples import report, scored
from tests.report.test_build import bare

LONG = [
    "a very long label that somebody has written for the first class of theirs",
    "a very long label that somebody has written for the second class of theirs",
    "short",
]
HOSTILE = ["[red]x[/red]", "[/]", "\x1b[31mz", "\u202eback"]
MANY = [f"class {number} of many" for number in range(20)]
CHINESE = ["好评", "差评", "中性评论"]
LABELS = [["negative", "positive"], ["world", "sport", "business", "science", "law"], MANY, LONG, CHINESE, HOSTILE]


def lines(which, width=None) -> list[str]:
    return [line.plain for line in render_report(which, width)]


def printed(which, **options) -> str:
    stream = io.StringIO()
    print_report(Console(file=stream, **options), which)
    return stream.getvalue()


def row(written, start) -> str:
    return next(line for line in written if line.startswith(start))


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("labels", LABELS, ids=lambda labels: f"{len(labels)} {labels[0][:8]!r}")
def test_every_line_fits_a_terminal(labels, width):
    written = lines(report(labels, notes=["a note that goes on " * 20]), width)
    assert max(cell_len(line) for line in written) <= width


@pytest.mark.parametrize("labels", LABELS, ids=lambda labels: f"{len(labels)} {labels[0][:8]!r}")
def test_a_pipe_gets_whole_cells_and_no_escape_codes(labels):
    text = "word " * 3000
    mistake = Mistake(text.strip(), labels[0], labels[1], 0.9, "a.csv:3")
    which = report(labels, mistakes=[mistake])
    for width in (80, 10_000):
        written = printed(which, width=width)
        assert "\x1b" not in written
        assert "…" not in written
        assert text.strip() in written
        assert written.splitlines() == lines(which)
    shown = [label.replace("\x1b", "␛").replace("\u202e", "\\u202e") for label in labels]
    assert all(label in written for label in shown)


def test_a_terminal_gets_colour_unless_it_is_refused():
    options = {"force_terminal": True, "color_system": "256", "width": 80}
    assert "\x1b[" in printed(report(), **options)
    assert "\x1b[" not in printed(report(), no_color=True, **options)


def test_text_from_data_is_neither_markup_nor_obeyed():
    mistake = Mistake("evil \x1b]0;title\x07 [bold]x[/] [/]\nline", HOSTILE[0], HOSTILE[1], 0.9, "[link]a.csv")
    which = report(HOSTILE, mistakes=[mistake], baselines={"[blink]b[/blink]": {"accuracy": 0.5}})
    written = printed(which, force_terminal=True, color_system="256", width=120)
    assert "evil ␛]0;title␇ [bold]x[/] [/]␊line" in written
    assert "\x1b]" not in written
    assert "\x1b[31mz" not in written
    assert "[blink]b[/blink]" in written
    assert "[link]a.csv" in written


def test_the_matrix_has_the_truth_in_rows_with_recall_beside_and_precision_below():
    evaluation = scored(10, {"accuracy": 0.6}, classes=Classes.of(["no", "yes"], [[4, 1], [3, 2]]))
    written = lines(bare(evaluation))
    start = next(i for i, line in enumerate(written) if line.startswith("truth"))
    matrix = [line.split() for line in written[start : start + 4]]
    assert matrix == [
        ["truth", "\\", "predicted", "no", "yes", "recall"],
        ["no", "4", "1", "80.0"],
        ["yes", "3", "2", "40.0"],
        ["precision", "57.1", "66.7"],
    ]


def test_chinese_labels_align():
    written = lines(report(CHINESE), 80)
    start = next(i for i, line in enumerate(written) if line.startswith("truth"))
    ends = {cell_len(line) for line in written[start : start + 4]}
    assert len(ends) == 1


def test_long_labels_are_numbered_on_a_terminal():
    written = lines(report(LONG), 80)
    assert row(written, "truth").split() == ["truth", "1", "2", "3", "recall"]
    assert row(written, "1 a very long").count("…") == 1


@pytest.mark.parametrize("width", [80, None])
def test_many_classes_show_the_pairs_that_are_confused_most(width):
    which = report(MANY)
    written = lines(which, width)
    start = next(i for i, line in enumerate(written) if line.startswith("most confused"))
    truth, predicted, count = most_confused(which.classes.confusion, 1)[0]
    assert written[start + 1].split("  ")[0] == MANY[truth]
    assert MANY[predicted] in written[start + 1]
    assert f" {count} " in written[start + 1]
    assert written[start + 11] == ""


def test_twelve_short_classes_fit_eighty_columns_as_a_matrix():
    labels = [f"l{number}" for number in range(MOST_CLASSES)]
    written = lines(report(labels), 80)
    assert row(written, "truth").split() == ["truth", *labels, "recall"]
    assert max(map(len, written)) <= 80


def test_an_aligned_mistake_shows_each_edit_in_its_colour():
    aligned = "bin [blue > green] at [- f] [+ six]"
    which = report(mistakes=[Mistake(aligned, "a", "b", None, aligned=True)])
    (line,) = [line for line in render_report(which) if "bin" in line.plain]
    styles = {line.plain[span.start : span.end]: span.style for span in line.spans}
    assert styles == {"[blue > green]": "yellow", "[- f]": "red", "[+ six]": "green"}


def test_a_classifier_without_mistakes_has_no_confused_pairs():
    perfect = [[int(t == p) for p in range(20)] for t in range(20)]
    which = bare(scored(20, {"accuracy": 1.0}, classes=Classes.of(MANY, perfect)))
    assert "no label was taken for another" in lines(which, 80)


def test_shades_grow_with_the_share_and_a_rare_mistake_has_none():
    backgrounds = [shade(share).bgcolor for share in (0.01, 0.1, 0.3, 0.6, 0.9)]
    assert backgrounds[0] is None
    assert len(set(backgrounds)) == 5


def test_baselines_stand_beside_the_model_where_they_fit_and_below_where_not():
    beside = lines(report(), 120)
    assert row(beside, "accuracy").split()[-3:] == ["50.0", "76.8", "78.1"]
    names = {f"a baseline with a long name {number}": {"accuracy": 0.5} for number in range(4)}
    below = lines(report(baselines=names), 80)
    assert len(row(below, "accuracy").split()) == 5
    assert row(below, "a baseline with a long name 3").split()[-1] == "50.0"


def test_metrics_say_their_intervals_and_whose_figures_they_are():
    written = lines(dataclasses.replace(report(), confidence=0.9), 80)
    assert "90 % interval" in row(written, "test, 400 examples")
    assert row(written, "f1 of positive")
    assert not any(line.startswith(("f1 micro", "precision of positive")) for line in written)
    accuracy = row(written, "accuracy").replace("*", "").split()
    assert float(accuracy[2]) <= float(accuracy[1]) <= float(accuracy[4])
    assert "." in row(written, "log loss").split()[2]


def test_micro_averages_are_shown_where_they_say_something_of_their_own():
    scores = {"accuracy": 0.5, "precision_micro": 0.6, "recall_micro": 0.6, "f1_micro": 0.6}
    assert row(lines(bare(scored(3, scores))), "f1 micro").split() == ["f1", "micro", "60.0"]


def test_a_terminal_shows_the_worst_of_very_many_classes_and_a_pipe_all():
    rows = [{"label": f"c{k}", "precision": 0.5, "recall": 0.5, "f1": k / 100, "support": 2} for k in range(100)]
    which = bare(scored(9, {"accuracy": 0.5}, classes=Classes.of(per_class=rows)))
    assert any("70 more in report.json" in line for line in lines(which, 80))
    assert row(lines(which, 80), "c0 ")
    assert not any(line.startswith("c99") for line in lines(which, 80))
    assert row(lines(which), "c99")


def test_folds_have_a_row_each_then_mean_and_deviation():
    which = cross_validated([report(seed=seed, examples=100) for seed in range(3)])
    for width in (80, None):
        written = lines(which, width)
        start = next(i for i, line in enumerate(written) if line.startswith("fold"))
        assert [line.split()[0] for line in written[start : start + 6]] == ["fold", "0", "1", "2", "mean", "deviation"]
        assert "accuracy" in written[start]
        assert width is None or max(map(len, written)) <= width
    assert "3 folds" in row(written, "test, 300 examples")


def test_members_of_a_model_are_counted_in_its_line():
    made = report()
    several = dataclasses.replace(made, model=dataclasses.replace(made.model, members=3))
    assert row(lines(several), "model") == "model     gru 1x128 bidirectional, 3 members, 1.9 M parameters"
    assert "members" not in row(lines(made), "model")


def test_a_tasks_own_tables_are_shown_with_figures_on_the_right():
    table = ReportTable("spans by type", ("type", "f1", "count"), (("PER", 0.51239, 1200), ("[b]LOC", None, 3)))
    written = lines(bare(scored(3, {"f1": 0.5}, tables=[table])), 80)
    start = written.index("spans by type")
    assert [line.split() for line in written[start + 1 : start + 4]] == [
        ["type", "f1", "count"],
        ["PER", "0.512", "1,200"],
        ["[b]LOC", "-", "3"],
    ]


def test_a_long_mistake_is_cut_to_a_few_lines_on_a_terminal():
    which = report(mistakes=[Mistake("很长" * 5000, "negative", "positive", 0.9), Mistake("", "a", "b", None)])
    written = lines(which, 80)
    start = next(i for i, line in enumerate(written) if line.startswith("90.0 % sure"))
    assert written[start + 3].endswith("…")
    assert written[start + 4].startswith("taken for b")


def test_the_header_says_model_training_drops_and_notes():
    written = lines(report(notes=["the corpus is generated"]), 80)
    assert written[:5] == [
        "recipe    sentiment: default",
        "model     gru 1x128 bidirectional, 1.9 M parameters",
        "training  4 min 12 s, 5 epochs (best 3), 4,120 examples/s on cpu",
        "dropped   3 duplicate",
        "note      the corpus is generated",
    ]
    untrained = dataclasses.replace(report(), training=dataclasses.replace(report().training, epochs=0))
    assert not any(line.startswith("training") for line in lines(untrained))


WRITTEN = Passage("written at 0.8", "a first line\n\n" + "and so on " * 40 + "\n\x1b[31mred\nthe last", most=5)


def test_what_was_written_is_whole_in_a_file_and_its_first_lines_on_a_terminal():
    made = dataclasses.replace(report(), passages=(WRITTEN,), scored="9,000 characters in 4 blocks")
    assert report_of(made.to_dict()) == made
    piped, wide = lines(made), lines(made, 60)
    at = piped.index("written at 0.8")
    assert piped[at + 1 : at + 6] == ["  a first line", "  ", "  " + "and so on " * 40, "  ␛[31mred", "  the last"]
    assert any(line.startswith("test, 9,000 characters in 4 blocks ") for line in wide)
    at = wide.index("written at 0.8")
    assert wide[at + 6 : at + 8] == ["  …", ""]
    assert max(map(cell_len, wide[at : at + 7])) <= 60
