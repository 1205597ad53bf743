"""What doctor tells of parts that may be missing, against what rnncli declares that it needs."""

from __future__ import annotations

import re
import sys
from importlib.metadata import metadata, requires, version

from rnncli.data.audio.sound import TORCHAUDIO_REMEDY
from rnncli.tools.doctor import OPTIONAL, examine


def needed(extra: str = "") -> list[str]:
    """What an installation asks for, by itself or with an extra."""
    parts = [one.partition(";") for one in requires("rnncli") or ()]
    wanted = f"extra == '{extra}'" if extra else ""
    return [name.strip() for name, _, when in parts if when.strip().replace('"', "'") == wanted]


def test_the_remedy_for_torchaudio_is_the_pair_that_comes_with_rnncli():
    pair = [one for one in needed() if one.startswith("torch")]
    assert len(pair) == 2
    assert re.findall(r'"(.+?)"', TORCHAUDIO_REMEDY) == sorted(pair)


def test_each_extra_brings_the_part_for_which_it_is_named():
    for part, (_, remedy) in OPTIONAL.items():
        (extra,) = re.findall(r"rnncli\[(\w+)\]", remedy)
        assert [one for one in needed(extra) if re.match(rf"{part}\W", one)], remedy
    named = {remedy for _, remedy in OPTIONAL.values()}
    extras = set(metadata("rnncli").get_all("Provides-Extra") or ()) - {"test", "dev"}
    assert len(named) == len(extras)


def test_what_ails_torchaudio_is_told_with_the_remedy(monkeypatch):
    assert examine()["optional parts"]["torchaudio"] == f"{version('torchaudio')}, for sound"
    monkeypatch.setitem(sys.modules, "torchaudio", None)
    said = examine()["optional parts"]["torchaudio"]
    assert "torchaudio does not work here" in said
    assert said.endswith(TORCHAUDIO_REMEDY)
