"""The processor that this runs on, and LLVM's compiler for it.

Nothing is imported from llvmlite before it is asked for: the package works without it.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path

DIGEST = 16
"""Bytes of a checksum."""


class Machine:
    """A processor: ``width`` floats are a vector, ``rows`` rows of a product fit into its registers.

    ``multiplies_bytes`` says that one instruction sums four products of bytes (VNNI).
    """

    def __init__(self, cpu: str, features: Mapping[str, bool]) -> None:
        self.cpu = cpu
        self.features = ",".join(f"{'+' if on else '-'}{name}" for name, on in sorted(features.items()))
        self.width = 16 if features.get("avx512f") and features.get("avx512vl") else 8
        self.rows = 12 if self.width == 16 else 6
        self.multiplies_bytes = bool(features.get("avx512vnni") if self.width == 16 else features.get("avxvnni"))

    def describe(self) -> str:
        """For a person."""
        return f"for {self.cpu}, {self.width} floats at a time; no padding computed"


@cache
def this_machine() -> Machine:
    """The processor that this runs on."""
    from llvmlite import binding

    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    return Machine(binding.get_host_cpu_name(), dict(binding.get_host_cpu_features()))


def engine_of(write: Callable[[], str], machine: Machine | None = None, *, name: str = "") -> Any:
    """What LLVM makes of the module that ``write`` gives, for ``machine``, else this one.

    It owns the code and must stay alive with it. Code with a ``name`` is kept in the user's folder of caches: a
    processor writes and compiles it once. The name stands for all that the module depends on beside the sources of this
    package and the machine.
    """
    from llvmlite import binding

    machine = machine or this_machine()
    target = binding.Target.from_default_triple()
    target_machine = target.create_target_machine(cpu=machine.cpu, features=machine.features, opt=3)
    place = _place(name, machine) if name else None
    code = _read(place) if place else None
    module = binding.parse_assembly("" if code else write())
    engine = binding.create_mcjit_compiler(module, target_machine)
    compiled: list[bytes] = []
    engine.set_object_cache(lambda _, made: compiled.append(made), lambda _: code)
    if code is None:
        module.verify()
        builder = binding.create_pass_builder(target_machine, binding.create_pipeline_tuning_options(speed_level=2))
        builder.getModulePassManager().run(module, builder)
    engine.finalize_object()
    if place and compiled:
        _keep(place, compiled[0])
    return engine


def _place(name: str, machine: Machine) -> Path:
    """Where code belongs, named after all that it depends on."""
    import llvmlite
    from llvmlite import binding

    names = name, _sources(), machine.cpu, machine.features, llvmlite.__version__, binding.llvm_version_info
    digest = hashlib.blake2b(repr(names).encode(), digest_size=DIGEST).hexdigest()
    return user_cache_path("rnncli", appauthor=False) / "kernels" / digest


@cache
def _sources() -> str:
    """A checksum of what writes modules: this package's sources."""
    found = hashlib.blake2b(digest_size=DIGEST)
    for path in sorted(Path(__file__).parent.glob("*.py")):
        found.update(path.read_bytes())
    return found.hexdigest()


def _read(place: Path) -> bytes | None:
    """The code that is kept there; None where there is none, or where it is damaged, which LLVM would not survive."""
    try:
        content = place.read_bytes()
    except OSError:
        return None
    digest, code = content[:DIGEST], content[DIGEST:]
    return code if code and digest == hashlib.blake2b(code, digest_size=DIGEST).digest() else None


def _keep(place: Path, code: bytes) -> None:
    """Keep code, whole under its name or not at all; where there is no room it is compiled again another time."""
    with contextlib.suppress(OSError):
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=place.parent, suffix=".partial", delete=False) as file:
            file.write(hashlib.blake2b(code, digest_size=DIGEST).digest() + code)
        os.replace(file.name, place)
