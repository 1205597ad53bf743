"""An installation whose llvmlite is missing or broken trains all the same, and says so."""

import json
import subprocess
import sys

import pytest

from tests.commands import own_environment, reviews

BLOCKED = """
import json
import sys
sys.modules["llvmlite"] = None
from rnncli.bench.core import CELLS, SHAPES, Shape, bench_core
from tests.commands import TINY, rnncli

SHAPES["few"] = Shape("a few", 6, 8, 4, 2, 7, layers=2, bidirectional=True)
commands = {"doctor": ["doctor"], "run": ["sentiment", "--data", "reviews.csv", *TINY]}
found = {name: rnncli(*command, "--json").json for name, command in commands.items()}
results = [bench_core(cell, "few", repeats=1) for cell in CELLS]
found["cells"] = [[result.kernel, result.output_error, result.gradient_error] for result in results]
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """What a process that cannot import llvmlite tells, trains and computes."""
    here = tmp_path_factory.mktemp("without")
    (here / "reviews.csv").write_text(reviews(), encoding="utf-8")
    command = [sys.executable, "-c", BLOCKED]
    done = subprocess.run(command, cwd=here, env=own_environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_doctor_tells_which_path_is_taken_and_why(found):
    kernels = found["doctor"]["kernels"]
    assert kernels
    assert all("packed autograd function" in told and "no compiled kernels" in told for told in kernels.values())


def test_a_run_ends_as_any_other(found):
    assert "accuracy" in found["run"]["metrics"]


def test_every_cell_agrees_with_the_reference(found):
    assert found["cells"]
    for kernel, output_error, gradient_error in found["cells"]:
        assert output_error < 1e-5
        assert gradient_error < 1e-4
        assert "packed autograd function" in kernel
