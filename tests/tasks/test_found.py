"""Tasks of other packages: those of no use are left out with a sentence, and the program works without them."""

import os
import subprocess

import pytest

from rnncli import tasks
from rnncli.errors import UserError
from rnncli.tasks.base import Metric, TaskSpec
from tests.commands import PYTHON, own_environment

SPEC = """
from rnncli.metrics.metric import Metric
from rnncli.tasks.base import TaskSpec
SPEC = TaskSpec("NAME", "What it does.", "NAME/default", "NAME/default", (), (Metric("mae"),))
"""


@pytest.fixture
def publish(tmp_path, monkeypatch):
    """Publish a package ``x_<name>`` with a task of that name; ``spec`` is its file, None for no package."""

    def lay(name, spec=SPEC):
        package = f"x_{name}"
        if spec is not None:
            (tmp_path / package).mkdir(exist_ok=True)
            (tmp_path / package / "spec.py").write_text(spec.replace("NAME", name), encoding="utf-8")
        info = tmp_path / f"{package}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n", encoding="utf-8")
        (info / "entry_points.txt").write_text(f"[rnncli.tasks]\n{name} = {package}\n", encoding="utf-8")
        tasks.found.cache_clear()
        return tmp_path

    monkeypatch.syspath_prepend(tmp_path)
    yield lay
    tasks.found.cache_clear()


@pytest.mark.parametrize(
    ("name", "spec", "why"),
    [
        ("gone", None, "ModuleNotFoundError: No module named 'x_gone'"),
        ("wanting", "import nothing_here", "ModuleNotFoundError: No module named 'nothing_here'"),
        ("raising", "1 / 0", "ZeroDivisionError: division by zero"),
        ("leaving", "raise SystemExit(7)", "SystemExit: 7"),
        ("torn", "def f(:", "SyntaxError"),
        ("empty", "", "no attribute 'SPEC'"),
        ("odd", "SPEC = 3", "not a TaskSpec of that name"),
        ("misnamed", SPEC.replace('"NAME"', '"other"'), "not a TaskSpec of that name"),
        ("double", SPEC.replace('Metric("mae"),', 'Metric("mae"), Metric("mae")'), "two metrics are called mae"),
        ("sentiment", SPEC, "rnncli.tasks.sentiment has that name"),
    ],
)
def test_a_task_of_no_use_is_left_out_with_its_reason(name, spec, why, publish):
    before = tasks.packages()
    publish(name, spec)
    assert tasks.packages() == before
    (sentence,) = tasks.found().left_out
    assert sentence.startswith(f"task {name} of the package x_{name} is left out: ")
    assert why in sentence


def test_it_is_said_on_stderr_and_every_command_works(publish):
    folder = publish("wanting", "import nothing_here")
    environment = own_environment()
    environment["PYTHONPATH"] = os.pathsep.join([environment["PYTHONPATH"], str(folder)])
    for arguments in (["--help"], ["recipes", "list"]):
        done = subprocess.run([*PYTHON, *arguments], env=environment, capture_output=True, text=True, check=True)
        assert done.stderr.count("task wanting of the package x_wanting is left out") == 1
        assert "sentiment" in done.stdout


def test_a_package_without_init_has_recipes_too(publish):
    folder = publish("plainly") / "x_plainly" / "recipes"
    folder.mkdir()
    assert tasks.recipe_folders() == {"plainly": folder}


def test_a_module_that_cannot_be_imported_is_blamed_on_its_package(publish):
    publish("lacking")
    with pytest.raises(
        UserError, match=r"task lacking cannot be used: x_lacking.schema: ModuleNotFoundError"
    ) as raised:
        tasks.schema("lacking")
    assert "x_lacking" in raised.value.hint


def test_two_metrics_of_one_name_are_no_spec():
    with pytest.raises(ValueError, match="two metrics are called loss"):
        TaskSpec("x", "", "", "", (), (Metric("mae"), Metric("loss")))
