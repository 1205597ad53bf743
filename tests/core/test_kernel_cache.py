"""Compiled code is kept on disk, and what is kept there can do no harm."""

import ctypes
import os

import pytest

from rnncli.core.cells import Cell
from rnncli.core.native import kernels, machine
from rnncli.core.native.machine import engine_of
from rnncli.core.native.openmp import openmp

pytestmark = pytest.mark.skipif(bool(kernels.trouble(Cell())), reason=kernels.trouble(Cell()))
ANSWER = "define i64 @answer() {{ ret i64 {} }}"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Where caches are."""
    monkeypatch.setattr(machine, "user_cache_path", lambda *_, **__: tmp_path)
    return tmp_path / "kernels"


@pytest.fixture
def compiled(monkeypatch):
    """The modules that LLVM was given to compile."""
    from llvmlite import binding

    given, parse = [], binding.parse_assembly
    monkeypatch.setattr(binding, "parse_assembly", lambda text: given.extend([text] if text else []) or parse(text))
    return given


def answer(value: int, **options) -> int:
    engine = engine_of(lambda: ANSWER.format(value), **options)
    return ctypes.CFUNCTYPE(ctypes.c_int64)(engine.get_function_address("answer"))()


def test_a_module_is_compiled_once_and_another_one_anew(folder, compiled):
    assert [answer(value, name=name) for value, name in ((42, "one"), (0, "one"), (43, "other"))] == [42, 42, 43]
    assert len(compiled) == 2
    assert len(os.listdir(folder)) == 2


def test_code_that_other_sources_wrote_is_other_code(folder, compiled, monkeypatch):
    for sources in ("before", "after"):
        monkeypatch.setattr(machine, "_sources", lambda: sources)  # noqa: B023
        assert answer(42, name="one") == 42
    assert len(compiled) == len(os.listdir(folder)) == 2


def test_code_for_another_processor_is_other_code(folder, compiled):
    for cpu in ("haswell", "x86-64"):
        assert answer(42, name="one", machine=machine.Machine(cpu, {})) == 42
    assert len(compiled) == len(os.listdir(folder)) == 2


def test_nothing_is_kept_unless_it_is_asked_for(folder, compiled):
    assert [answer(42), answer(42)] == [42, 42]
    assert len(compiled) == 2
    assert not folder.exists()


@pytest.mark.parametrize("damage", [lambda content: b"", lambda content: content[:-1], lambda content: content[::-1]])
def test_damaged_code_is_compiled_and_kept_again(folder, compiled, damage):
    answer(42, name="one")
    (place,) = folder.iterdir()
    whole = place.read_bytes()
    place.write_bytes(damage(whole))
    assert answer(42, name="one") == 42
    assert (len(compiled), place.read_bytes()) == (2, whole)


def test_where_nothing_can_be_written_it_is_compiled_each_time(folder, compiled):
    folder.write_text("no folder")
    assert [answer(42, name="one"), answer(42, name="one")] == [42, 42]
    assert len(compiled) == 2


def test_kernels_that_were_read_are_those_that_were_compiled(folder, compiled):
    first, again = (kernels.Kernels(Cell("rnn"), machine.this_machine()) for _ in range(2))
    assert len(compiled) == 1
    assert first._address.keys() == again._address.keys()
    assert all(again._address.values())


@pytest.mark.skipif(openmp() is None, reason="no OpenMP that torch computes with")
def test_code_with_addresses_of_this_process_is_not_kept(folder, compiled):
    kernels.Kernels(Cell("rnn"), machine.this_machine(), team=True)
    assert compiled
    assert not folder.exists() or len(os.listdir(folder)) <= 1  # how panels are laid out
