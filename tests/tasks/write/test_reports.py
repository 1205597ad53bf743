"""What reports and pages say of models that write."""

import io
import json
import re
import wave

import numpy as np
import pytest
from matplotlib.image import imread
from rich.cells import cell_len

from rnncli.metrics.metric import Metric
from rnncli.recipe.schema import EvaluationSection
from rnncli.report.build import Estimate, Evaluation, ModelSummary, TrainingSummary, build_report
from rnncli.report.page import Story, report_page
from rnncli.report.reading import report_of
from rnncli.report.render import render_report
from rnncli.tasks.music import metrics as music
from rnncli.tasks.music.extras.pictures import note_name, roll_picture, roll_text
from rnncli.tasks.music.extras.sounds import sound
from rnncli.tasks.text import metrics as text
from rnncli.tasks.write.declared import MUSIC_METRICS, TEXT_METRICS
from rnncli.tasks.write.scoring import music_scores, of_rows, text_scores
from tests.tasks.write.reported import TEXT, music_run, text_run

SETTINGS = EvaluationSection(resamples=200)
TASKS = {"text": (text, TEXT_METRICS, text_run), "music": (music, MUSIC_METRICS, music_run)}


def made(task, rows, about):
    """The report that a run would have."""
    scoring, declared, _ = TASKS[task]
    statistics, details = scoring.statistics(rows, about), scoring.details(rows, about, SETTINGS, 1)
    metrics = {metric.name: metric for metric in declared} | dict(details.metrics)
    ends = statistics.intervals(resamples=200, confidence=0.95, seed=1)
    found = {name: Estimate.of(metrics[name], one, *ends.get(name, ())) for name, one in statistics.values().items()}
    return build_report(
        task=task,
        recipe="default",
        split="test",
        evaluation=Evaluation(len(rows), found, details, about),
        model=ModelSummary("lstm", 1, 256, False, 500_000),
        training=TrainingSummary(100.0, 10, 9, 100.0, "cpu"),
        baselines={name: dict.fromkeys(found, 3.0) for name in ("kneser-ney 7", "kneser-ney 3", "unigram", "xz")},
    )


def lines(report, width=None):
    return [line.plain for line in render_report(report, width)]


def table(report, title):
    return next(one for one in report.tables if one.title.startswith(title))


@pytest.mark.parametrize("task", TASKS)
def test_every_metric_is_declared_lower_is_better_and_said_what_it_means(task):
    scoring, declared, run = TASKS[task]
    assert list(scoring.statistics(*run()).values()) == [metric.name for metric in declared]
    for metric in declared:
        assert isinstance(metric, Metric)
        assert (metric.better, metric.unit) == ("lower", "plain")
        assert metric.meaning


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("task", TASKS)
def test_a_report_fits_a_terminal_and_comes_back_from_its_json(task, width):
    report = made(task, *TASKS[task][2]())
    assert max(map(cell_len, lines(report, width))) <= width
    assert report_of(json.loads(json.dumps(report.to_dict()))) == report


def test_a_report_of_a_text_counts_characters_and_shows_help_dearest_symbols_samples_and_copying():
    rows, about = text_run()
    report = made("text", rows, about)
    piped = lines(report)
    assert any(line.startswith(f"test, {len(TEXT):,} characters in {len(rows)} blocks ") for line in piped)
    helped = table(report, "with help")
    assert [row[0] for row in helped.rows] == ["the model alone", "+ n-gram", "+ n-gram, cache", "dynamic evaluation"]
    assert helped.columns == ("", "bits/character", "95 % interval", "perplexity", "weights")
    assert [row[4] for row in helped.rows] == ["", "0.71/0.29", "0.60/0.30/0.10", ""]
    alone, mixed = (of_rows(rows, text_scores, way).values() for way in ("", "n-gram"))
    assert helped.rows[0][1::2][:2] == pytest.approx((alone["bits_per_character"], alone["perplexity"]))
    assert helped.rows[1][1] == pytest.approx(mixed["bits_per_character"])
    low, high = map(float, helped.rows[1][2].split(" - "))
    assert low < helped.rows[1][1] < high
    dear = table(report, "dearest symbols").rows
    assert [row[1] for row in dear] == sorted((row[1] for row in dear), reverse=True)
    assert len(dear) == len({row[0] for row in dear}) == 10
    assert all(row[2].endswith(f"[{row[0].replace('␣', ' ')}]") for row in dear)
    assert table(report, "copied").rows[1:] == (("samples at 1", 41, "-"), ("held-out text", 38, "0.9 %"))
    titles = [line for line in piped if line.startswith("written at")]
    assert titles == [f"written at temperature {t}" for t in ("0.5", "0.8", "1")]
    assert "  and ␛[31mred " + "so on " * 60 in piped


def test_without_help_samples_or_copying_nothing_is_said_of_them():
    rows, _ = text_run(helped=False)
    details = text.details(rows, {"unit": "character"}, SETTINGS, 1)
    assert [one.title for one in details.tables] == ["dearest symbols"]
    assert (list(details.passages), list(details.notes)) == ([], [])
    rows, _ = music_run(seen=False)
    assert list(music.details(rows, {"form": "rolls"}, SETTINGS, 1).tables) == []


def test_large_figures_have_as_many_digits_beside_help_as_in_the_main_table():
    rows, about = text_run(skill=0.2)
    report = made("text", rows, about)
    shown = lines(report)
    alone = next(line for line in shown if line.startswith("the model alone")).split()
    assert report.metrics["perplexity"].value > 1000
    assert report.metrics["perplexity"].number in alone


def test_verdicts_speak_of_blocks_and_pieces():
    for task, run, noun in (("text", text_run(), "block"), ("music", music_run(), "piece")):
        assert made(task, *run).counting(2, "test") == f"2 test {noun}s"
    rows, about = music_run(frames=800, pieces=3)
    assert made("music", rows, about).counting(1, "test") == "1 test block"


def test_counts_of_one_are_in_the_singular():
    rows, about = text_run("a")
    assert made("text", rows, about).scored == "1 character in 1 block"


def test_without_resamples_the_table_of_help_has_no_intervals():
    details = text.details(*text_run(), EvaluationSection(resamples=0), 1)
    assert details.tables[0].columns == ("", "bits/character", "perplexity", "weights")


def test_bits_are_marked_where_symbols_do_not_say_what_stands_there():
    report = made("text", *text_run(unknown=20))
    assert report.title("bits_per_character") == "bits per character, at least"
    assert report.title("perplexity") == "perplexity"
    assert any(note.startswith(f"20 of {len(TEXT):,} symbols are the unknown one") for note in report.notes)
    rows, about = text_run()
    assert made("text", rows, about).title("bits_per_character") == "bits per character"
    marked = made("text", rows, about | {"inexact": ["runs of blanks are read as one"]})
    assert marked.title("bits_per_byte") == "bits per byte, at least"
    assert "runs of blanks are read as one" in marked.notes


@pytest.mark.parametrize(("size", "says"), [(1500, "no intervals: there is one block"), (9000, "intervals are rough")])
def test_few_blocks_are_said_to_be_few(size, says):
    report = made("text", *text_run(TEXT[:size]))
    assert any(note.startswith(says) for note in report.notes)
    assert (report.metrics["perplexity"].low is None) == (size == 1500)
    assert report.scored.endswith(" in 1 block") == (size == 1500)


def test_pieces_that_resemble_train_are_reported_apart():
    rows, about = music_run()
    found = table(made("music", rows, about), "pieces more than 50 %").rows
    assert [row[:2] for row in found] == [("all", 12), ("without those", 10), ("those alone", 2)]
    kept = [row for row in rows if row["example"] >= 2]
    assert found[1][2:] == pytest.approx(tuple(of_rows(kept, music_scores).values().values()))


def test_a_report_of_music_counts_frames_and_draws_what_was_written():
    rows, about = music_run()
    shown = lines(made("music", rows, about), 80)
    assert any(line.startswith("test, 1,140 frames of 12 pieces ") for line in shown)
    at = shown.index("written at temperature 0.8")
    assert any(line.split()[:1] == ["C4"] for line in shown[at:])
    assert any("▄▄▄▄" in line for line in shown[at:])


def test_a_page_shows_what_was_written_first_and_where_text_is_dear():
    rows, about = text_run()
    samples = text.samples(rows, about, 20)
    assert [one.caption for one in samples[:3]] == [f"written at temperature {t}" for t in ("0.5", "0.8", "1")]
    assert re.fullmatch(r"[\d.]+ nats for one symbol", samples[3].caption)
    assert [piece.mark for piece in samples[3].pieces] == ["", "wrong"]
    assert len(samples) == 20
    assert re.fullmatch(r"[\d.]+ bits per character", samples[-1].caption)
    [figure] = text.figures(rows, about)
    assert figure.lines[0].xs[-1] == len(TEXT)
    page = report_page(Story("run-1", made("text", rows, about), figures=[figure], samples=samples, predictions=rows))
    assert "Written, and worst examples" in page
    assert "␛[31mred so on" in page


def test_a_page_draws_pieces_and_the_figure_goes_from_the_easiest_to_the_hardest():
    rows, about = music_run(form="voices")
    samples = music.samples(rows, about, 20)
    assert [one.caption for one in samples[:2]] == ["written at temperature 0.8", "written at temperature 1"]
    nats = [float(one.caption.split()[0]) for one in samples[2:]]
    assert len(nats) == 4
    assert nats == sorted(nats, reverse=True)
    assert all(one.media[0].kind == "image/png" for one in samples)
    [figure] = music.figures(rows, about)
    assert list(figure.lines[0].ys) == sorted(figure.lines[0].ys)
    page = report_page(Story("run-1", made("music", rows, about), figures=[figure], samples=samples, predictions=rows))
    assert page.count("data:image/png") == 6
    assert page.count("data:audio/wav") == 6


def test_very_many_blocks_are_drawn_some_together():
    rows, about = text_run("ab" * 500_000, helped=False)
    assert len(rows) == 500
    [line] = text.figures(rows, about)[0].lines
    assert len(line.xs) == 167
    assert line.xs[-1] == 1_000_000


def test_a_roll_in_characters_has_time_to_the_right_high_notes_above_and_names_every_c():
    drawn = roll_text([[60, 64], [60], [], [72, 61]]).split("\n")
    assert drawn == ["C5     ▄", "", "", "", "    ▄", "", "C4  ▄▄ ▀"]
    assert (note_name(60), note_name(108)) == ("C4", "C8")
    assert roll_text([[], [-1, -1]]) == ""
    assert max(map(len, roll_text([[21, 108]] * 500).split("\n"))) == 76


def test_a_roll_as_a_picture_has_each_voice_in_its_colour_and_a_line_for_each_beat():
    media = roll_picture([[72, 60], [72, -1], [-1, 60], [72, 62]], beat=2, voices=True)
    assert media is not None
    assert media.words == "piano roll of 4 frames"
    pixels = (imread(io.BytesIO(media.content))[:, :, :3] * 255).round().astype(int)
    assert pixels.shape == (15 * 5, 4 * 12, 3)
    cells = pixels[2::5, 6::12][::-1]
    first, second = cells[13, 0].tolist(), cells[1, 0].tolist()
    assert first != second
    assert [cells[13, t].tolist() == first for t in range(4)] == [True, True, False, True]
    assert [cells[1, t].tolist() == second for t in range(4)] == [True, False, True, False]
    assert cells[3, 3].tolist() == second
    lined = np.flatnonzero((pixels[30] == 215).all(1))
    assert lined.tolist() == [0, 24]
    single = roll_picture([[72, 60]], beat=1, voices=False)
    assert single is not None
    assert len({tuple(one) for one in (imread(io.BytesIO(single.content)).reshape(-1, 4) * 255).astype(int)}) <= 4
    assert roll_picture([[-1]], beat=1, voices=True) is None


def peaks(content, begin, end):
    """The rounded frequencies in Hz that are loud between two seconds of a sound."""
    with wave.open(io.BytesIO(content)) as file:
        rate, samples = file.getframerate(), np.frombuffer(file.readframes(file.getnframes()), "<i2")
    part = samples[round(begin * rate) : round(end * rate)] * np.hanning(round(end * rate) - round(begin * rate))
    power = np.abs(np.fft.rfft(part))
    return set(np.round(np.flatnonzero(power > power.max() / 3) * rate / len(part)).astype(int).tolist())


@pytest.mark.parametrize("voices", [False, True])
def test_written_music_sounds_at_its_pitch_and_pace(voices):
    silent = [[-1, -1]] if voices else [[]]
    media = sound([*[[69, 57]] * 4, *silent * 4, *[[81, -1] if voices else [81]] * 4], 0.25, voices=voices)
    assert media is not None
    assert (media.kind, media.words) == ("audio/wav", "3.0 s")
    assert {220, 440} <= peaks(media.content, 0.1, 0.9)
    assert 880 in peaks(media.content, 2.1, 2.9)
    assert 220 not in peaks(media.content, 2.1, 2.9)
    assert sound(silent * 3, 0.25, voices=voices) is None
    long = sound([[69]] * 100, 0.25, voices=voices)
    assert long is not None
    assert long.words == "12.0 s of 25 s"
