"""Bundles of models that were never trained, and predict.py where numpy and ONNX Runtime are all that there is."""

import json
import subprocess
import sys
from pathlib import Path

import torch

from rnncli.core.device import choose
from rnncli.core.native import kernels
from rnncli.export import bundle
from rnncli.export import parity as held
from rnncli.runs.directory import RunDirectory
from rnncli.runs.use import Trained
from tests.commands import own_environment
from tests.export.held import require_near

SEQUENCES = 14
PLACE = choose("cpu", "fp32", tf32=False, deterministic=False, threads=1)
ELSEWHERE = (
    *("torch", "torchaudio", "scipy", "sklearn", "pandas", "pyarrow", "datasets", "pydantic"),
    *("typer", "rich", "ruamel", "safetensors", "soundfile", "av", "mido", "onnx", "threadpoolctl", "llvmlite"),
    *("platformdirs", "tokenizers", "h5py"),
)
BARE = f"""
import sys
for name in {ELSEWHERE!r}:
    sys.modules[name] = None
sys.argv = sys.argv[1:]
import runpy
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def lively(model):
    """A model whose weights are far from 0, all of them, so that a part that is left out is seen."""
    for parameter in model.parameters():
        torch.nn.init.uniform_(parameter, -0.7, 0.7)
    return model.eval()


def made(monkeypatch, folder: Path, recipe, fitted, model, *, stream=False) -> Path:
    """The bundle of a model, after fewer trials than a user's."""
    trained = Trained(RunDirectory(folder / "run"), recipe, fitted, model, PLACE, {})
    monkeypatch.setattr(kernels, "trouble", lambda cell: "to compile them takes longer than a test")
    monkeypatch.setattr(bundle, "_finished", lambda run: trained)
    monkeypatch.setattr(held, "SEQUENCES", SEQUENCES)
    monkeypatch.setattr(held, "LONGEST", 1)
    return bundle.export(folder / "run", folder / "model", stream=stream).path


def alone(folder: Path, *arguments: object, stdin: str = "") -> list[str]:
    """The lines that predict.py of a bundle writes, where no package but numpy and ONNX Runtime can be imported."""
    command = [sys.executable, "-I", "-c", BARE, str(folder / "predict.py"), *map(str, arguments)]
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, env=own_environment(), check=False)
    assert not done.returncode, done.stderr
    return done.stdout.splitlines()


def require_alike(lines, wanted):
    """Lines of JSON beside rows of the program."""
    require_near([json.loads(line) for line in lines], json.loads(json.dumps(wanted)))
