"""What doctor tells of parts that may be missing, against what rnncli declares that it needs."""

from __future__ import annotations

import re
import sys
import tomllib
from importlib.metadata import metadata, requires, version
from pathlib import Path

import pytest
import torch

from rnncli.tools import doctor
from rnncli.tools.doctor import LEAST_TORCH, OPTIONAL, TORCH_BEYOND, examine, release

ROOT = Path(__file__).resolve().parents[2]


def needed(extra: str = "") -> list[str]:
    """What an installation asks for, by itself or with an extra."""
    parts = [one.partition(";") for one in requires("rnncli") or ()]
    wanted = f"extra == '{extra}'" if extra else ""
    return [name.strip() for name, _, when in parts if when.strip().replace('"', "'") == wanted]


def test_the_range_that_doctor_names_is_the_one_that_is_installed():
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    (torch_,) = [one for one in declared if one.startswith("torch")]
    assert torch_ == "torch>={}.{},<{}.{}".format(*LEAST_TORCH, *TORCH_BEYOND)


def test_what_torch_is_there_is_told(monkeypatch):
    monkeypatch.setattr(doctor, "_kernel", lambda *_: "")
    assert set(examine()["torch"]) == {"build", "release", "torchaudio"}


def test_each_extra_brings_the_part_for_which_it_is_named():
    for part, (_, remedy) in OPTIONAL.items():
        (extra,) = re.findall(r"rnncli\[(\w+)\]", remedy)
        assert [one for one in needed(extra) if re.match(rf"{part}\W", one)], remedy
    named = {remedy for _, remedy in OPTIONAL.values()}
    extras = set(metadata("rnncli").get_all("Provides-Extra") or ()) - {"test", "dev"}
    assert len(named) == len(extras)


@pytest.mark.parametrize("found", ["2.11.0", "2.11.0+cu130", "2.13.0+cpu", "2.14.1", "2.14.0a0+git12ab"])
def test_a_release_of_torch_within_the_range_is_told_as_such(found):
    assert release(found) == f"{found}, one of those that rnncli is tried with (2.11 up to, not including, 2.15)"


@pytest.mark.parametrize(
    ("found", "kind"), [("2.10.1", "older"), ("1.13.1", "older"), ("2.15.0", "newer"), ("3.0", "newer")]
)
def test_a_release_of_torch_beyond_the_range_is_told_with_what_to_type(found, kind):
    said = f'{found}, {kind} than those that rnncli is tried with: pip install "torch>=2.11,<2.15"'
    assert release(found) == said


@pytest.mark.parametrize(
    ("cuda", "hip", "said"),
    [("13.0", None, "for CUDA 13.0, and for the CPU"), (None, "7.1", "for ROCm 7.1, and for the CPU")],
)
def test_the_build_of_torch_is_told(monkeypatch, cuda, hip, said):
    monkeypatch.setattr(torch.version, "cuda", cuda)
    monkeypatch.setattr(torch.version, "hip", hip)
    assert doctor.build() == said


def test_a_build_for_the_cpu_is_told(monkeypatch):
    monkeypatch.setattr(torch.version, "cuda", None)
    monkeypatch.setattr(torch.version, "hip", None)
    assert doctor.build().startswith("for the CPU alone")


def test_a_torchaudio_that_is_missing_or_broken_is_told_and_not_missed(monkeypatch, tmp_path):
    monkeypatch.setattr(doctor, "_version", lambda name: "missing" if name == "torchaudio" else version(name))
    assert doctor.torchaudio() == "missing; rnncli computes its spectra without it"
    monkeypatch.setattr(doctor, "_version", lambda name: "2.11.1" if name == "torchaudio" else version(name))
    for name in [name for name in sys.modules if name.partition(".")[0] == "torchaudio"]:
        monkeypatch.delitem(sys.modules, name)
    (tmp_path / "torchaudio.py").write_text("raise OSError('libcudart.so.13: cannot open shared object file')")
    monkeypatch.syspath_prepend(tmp_path)
    said = doctor.torchaudio()
    assert said.startswith("2.11.1 does not load beside this torch (libcudart.so.13: cannot open shared object file);")
    (tmp_path / "torchaudio.py").write_text("")
    assert doctor.torchaudio().startswith("2.11.1 loads;")
