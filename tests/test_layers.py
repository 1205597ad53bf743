"""Who may import whom, and what must not be imported before it is needed."""

import ast
import subprocess
import sys
from collections import defaultdict
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "rnncli"

# Each part of the package and what it may import; errors and version are open to all, and so is a part to itself.
MAY_IMPORT = {
    "aliases": set(),
    "api": {"runs", "comparison", "recipe.schema", "report", "tasks", "tasks.base", "tasks.predictors"},
    "cli": {
        "batch",
        "bench",
        "comparison",
        "inspection.views",
        "export",
        "tools",
        "runs",
        "recipe",
        "report",
        "tasks",
        "tasks.base",
        "tasks.predictors",
        "train",
        "metrics.metric",
        "aliases",
        "serve",
        "explain",
        "lessons",
    },
    "export": {"runs", "recipe.schema", "tasks", "tasks.exporting", "tasks.portable", "core", "data.progress"},
    "explain": {"tasks.explaining", "metrics"},
    "batch": {"runs", "recipe", "tasks", "report", "train", "metrics.metric"},
    "bench": {"runs", "recipe", "tasks", "tasks.base", "tasks.exporting", "tasks.portable", "train", "core"},
    "inspection": {"core", "metrics", "report.inside", "tasks.inspecting"},
    "lessons": {"batch", "comparison", "runs", "recipe", "tasks", "report"},
    "comparison": {"runs", "recipe", "tasks", "report", "metrics"},
    "tools": {"runs", "recipe", "tasks", "core", "data", "tasks.base", "report.build", "weights"},
    "weights": {"core", "data.arrays", "data.regular", "data.rounding"},
    "runs": {
        "explain",
        "tasks.explaining",
        "weights",
        "inspection",
        "recipe",
        "tasks",
        "tasks.base",
        "tasks.inspecting",
        "tasks.predictors",
        "tasks.teaching",
        "train",
        "report",
        "core",
        "metrics",
        "data",
    },
    "serve": {"runs", "report", "tasks.predictors"},
    "tasks": {
        "data",
        "heads",
        "core",
        "metrics",
        "report.build",
        "report.figures",
        "recipe.schema",
        "tasks.base",
        "tasks.explaining",
        "tasks.exporting",
        "tasks.inspecting",
        "tasks.portable",
        "tasks.predictors",
        "tasks.teaching",
    },
    "train": {
        "tasks.base",
        "tasks.teaching",
        "metrics",
        "recipe.schema",
        "data.batching",
        "data.progress",
        "data.rounding",
        "core.device",
    },
    "heads": {"core"},
    "core": set(),
    "data": set(),
    "metrics": {"data.progress"},
    "report": {"metrics"},
    "recipe": {"metrics.metric", "aliases"},
}
HEAVY = ("torch", "torchaudio", "datasets", "sklearn", "numpy", "pyarrow", "pandas", "scipy", "matplotlib")


def _imports(file: Path) -> set[str]:
    """The modules of the package that a file imports, relative to the package."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in names:
            path = PACKAGE.parent / Path(*name.split("."))
            if name.startswith("rnncli.") and (path.is_dir() or path.with_suffix(".py").is_file()):
                found.add(name.removeprefix("rnncli."))
    return found


def _name(file: Path) -> str:
    """The dotted name of a file below the package, a package's own that of its folder."""
    return ".".join(file.relative_to(PACKAGE).with_suffix("").parts).removesuffix("__init__").removesuffix(".")


@pytest.mark.parametrize("part", sorted(MAY_IMPORT))
def test_a_part_imports_only_what_lies_below_it(part):
    files = [PACKAGE / f"{part}.py"] if (PACKAGE / f"{part}.py").is_file() else sorted((PACKAGE / part).rglob("*.py"))
    assert files
    for file in files:
        for module in _imports(file):
            head = module.split(".")[0]
            if head in (part, "errors", "version"):
                continue
            allowed = MAY_IMPORT[part]
            whole = any(module == name or module.startswith(name + ".") for name in allowed)
            parent_of_allowed = any(name.startswith(module + ".") for name in allowed)
            assert whole or parent_of_allowed, f"{file.relative_to(PACKAGE)} imports {module}"


def test_no_two_files_import_each_other_by_whatever_way():
    """Also not for types alone, nor inside of functions: what is read first must be clear."""
    modules = {_name(file): file for file in PACKAGE.rglob("*.py")}
    graph = {name: _imports(file) - {name} for name, file in modules.items()}
    assert set().union(*graph.values()) <= modules.keys()
    list(TopologicalSorter(graph).static_order())  # CycleError names a circle


def test_no_two_public_classes_have_one_name():
    places = defaultdict(list)
    for file in PACKAGE.rglob("*.py"):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(str(file.relative_to(PACKAGE)))
    assert len(places) > 100
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


def test_every_part_of_the_package_is_in_the_table():
    rooms = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()}
    files = {path.stem for path in PACKAGE.glob("*.py") if not path.stem.startswith("__")}
    assert rooms | files - {"errors", "version"} == set(MAY_IMPORT)


def test_no_part_but_the_tasks_names_a_task():
    # Much else is called a text or a memory.
    names = {path.parent.name for path in (PACKAGE / "tasks").glob("*/spec.py")} - {"text", "memory"}
    assert names
    for file in PACKAGE.rglob("*.py"):
        if "tasks" in file.relative_to(PACKAGE).parts:
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                assert node.value not in names, f"{file.relative_to(PACKAGE)}:{node.lineno} names the task {node.value}"
            if isinstance(node, ast.Compare):
                sides = [node.left, *node.comparators]
                of_task = any(isinstance(one, ast.Attribute) and one.attr == "task" for one in sides)
                named = of_task and any(isinstance(one, ast.Constant) for one in sides)
                assert not named, f"{file.relative_to(PACKAGE)}:{node.lineno} asks for a task by its name"


def test_no_part_imports_torchaudio_which_may_not_fit_torch():
    for file in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            assert not any(name.split(".")[0] == "torchaudio" for name in names), file


def test_the_command_line_imports_nothing_heavy():
    code = f"import sys, rnncli.cli.main; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_saved_predictions_are_read_without_torch():
    code = (
        "import sys; from rnncli import tasks; [tasks.scoring(name) for name in tasks.names()];"
        "print([name for name in ('torch', 'datasets', 'sklearn') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
