"""The processor that this runs on, and LLVM's compiler for it.

Nothing is imported from llvmlite before it is asked for: the package works without it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any


class Machine:
    """A processor: ``width`` floats are a vector, ``rows`` rows of a product fit into its registers."""

    def __init__(self, cpu: str, features: Mapping[str, bool]) -> None:
        self.cpu = cpu
        self.features = ",".join(f"{'+' if on else '-'}{name}" for name, on in sorted(features.items()))
        self.width = 16 if features.get("avx512f") and features.get("avx512vl") else 8
        self.rows = 12 if self.width == 16 else 6

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


def engine_of(text: str, machine: Machine | None = None) -> Any:
    """What LLVM makes of a module for ``machine``, else this one; it owns the code and must stay alive with it."""
    from llvmlite import binding

    machine = machine or this_machine()
    target = binding.Target.from_default_triple()
    target_machine = target.create_target_machine(cpu=machine.cpu, features=machine.features, opt=3)
    module = binding.parse_assembly(text)
    module.verify()
    engine = binding.create_mcjit_compiler(module, target_machine)
    builder = binding.create_pass_builder(target_machine, binding.create_pipeline_tuning_options(speed_level=2))
    builder.getModulePassManager().run(module, builder)
    engine.finalize_object()
    return engine
