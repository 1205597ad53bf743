"""An installation whose llvmlite is missing or broken trains all the same, and says so."""

import json
import subprocess
import sys

from tests.commands import TINY, own_environment, reviews

BLOCKED = "import sys; sys.modules['llvmlite'] = None; from rnncli.cli.main import main; main()"
PARITY = """
import sys
sys.modules["llvmlite"] = None
from rnncli.bench.core import CELLS, SHAPES, Shape, bench_core
SHAPES["few"] = Shape("a few", 6, 8, 4, 2, 7, layers=2, bidirectional=True)
for cell in CELLS:
    result = bench_core(cell, "few", repeats=1)
    assert result.output_error < 1e-5 and result.gradient_error < 1e-4, result
    assert "packed autograd function" in result.kernel, result.kernel
"""


def python(*arguments: str, cwd) -> str:
    done = subprocess.run(
        [sys.executable, "-c", *arguments], cwd=cwd, env=own_environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_doctor_tells_which_path_is_taken_and_why(tmp_path):
    kernels = json.loads(python(BLOCKED, "doctor", "--json", cwd=tmp_path))["kernels"]
    assert all("packed autograd function" in told and "no compiled kernels" in told for told in kernels.values())


def test_a_run_ends_as_any_other(tmp_path):
    (tmp_path / "reviews.csv").write_text(reviews(), encoding="utf-8")
    report = python(BLOCKED, "sentiment", "--data", "reviews.csv", *TINY, "--json", cwd=tmp_path)
    assert "accuracy" in json.loads(report)["metrics"]


def test_every_cell_agrees_with_the_reference(tmp_path):
    python(PARITY, cwd=tmp_path)
