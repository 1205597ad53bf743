"""Which modules of this package a module needs, found by following its imports."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path

AT_HAND = frozenset({"numpy", "onnxruntime"})
"""Packages that a bundle's environment has beside the standard library."""


def closure(modules: Iterable[str], packages: Iterable[str]) -> dict[str, Path]:
    """The files of ``modules`` and of all that they import of ``packages``, by name, sorted.

    Imports inside of functions are left out, and so are those for types alone. A module that imports anything but
    these, the standard library, numpy and ONNX Runtime is a mistake of ours: AssertionError.
    """
    own, found, waiting = {*packages}, {}, [*modules]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found[name] = file = _file(name)
        assert file is not None, f"{name} is no module with a file of its own"
        for wanted in _imported(file):
            head = wanted.split(".")[0]
            if head in own:
                waiting += _modules(wanted)
            else:
                assert head in sys.stdlib_module_names or head in AT_HAND, f"{name} imports {wanted}"
    return dict(sorted(found.items()))


def _modules(wanted: str) -> list[str]:
    """The module that a dotted name is, or is a member of."""
    if _file(wanted) is not None:
        return [wanted]
    return [wanted.rpartition(".")[0]]


def _imported(file: Path) -> Iterator[str]:
    """Dotted names, those of members with their modules before them."""
    for node in _top(ast.parse(file.read_text(encoding="utf-8")).body):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def _top(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements that run when a module is imported."""
    for node in body:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            yield from _top(node.orelse)
        elif isinstance(node, ast.If | ast.Try | ast.With):
            yield from _top(node.body)
            yield from _top(getattr(node, "orelse", ()))
        else:
            yield node


def _file(name: str) -> Path | None:
    """The file of a module; None where there is none, and for a package, whose own file a bundle leaves empty."""
    try:
        spec = find_spec(name)
    except ModuleNotFoundError:  # of a member of a module
        return None
    if spec is None or spec.origin is None or spec.submodule_search_locations is not None:
        return None
    return Path(spec.origin)
