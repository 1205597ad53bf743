from rnncli.metrics.metric import Metric
from rnncli.report.curve import POINTS, curve_header, curve_row, sparkline


def test_bars_run_from_the_least_to_the_greatest_value():
    assert sparkline([0.689, 0.756, 0.774]) == "▁▇█"
    assert sparkline([0.5]) == sparkline([0.7, 0.7])[0] == "▄"
    assert sparkline([0.1, float("nan"), None, 0.2]) == "▁  █"
    assert sparkline([float("nan")]) == " "
    assert sparkline([]) == ""
    assert len(sparkline(list(range(50)))) == POINTS


def test_rows_stand_under_their_header():
    header = curve_header(Metric("accuracy")).plain
    row = curve_row(2, 0.4981, Metric("accuracy"), [0.689, 0.756], best=True, seconds=3.94, note="slow").plain
    assert row.split() == ["2", "0.498", "75.6", "▁█", "best", "3.9", "slow"]
    assert header.index("dev accuracy") == row.index("75.6")
    assert header.index("seconds") + len("seconds") == row.index("3.9") + len("3.9")
    assert header.index("loss") + len("loss") == row.index("0.498") + len("0.498")


def test_long_names_and_plain_metrics_keep_the_columns():
    name = Metric("calibration_error", unit="plain")
    header = curve_header(name).plain
    row = curve_row(10, float("nan"), name, [0.0312], best=False, seconds=1234.5).plain
    assert row.split() == ["10", "-", "0.031", "▄", "1,234.5"]
    assert len(row) == len(header)


def test_a_note_cannot_steer_the_terminal():
    row = curve_row(1, 0.1, Metric("f1"), [0.5], best=False, seconds=1.0, note="\x1b[2J")
    assert row.plain.endswith("␛[2J")
