"""The task that docs/adding-a-task.md builds, as a package outside of rnncli."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "adding-a-task.md"
FILE = re.compile(r"```\w+ file=(\S+)\n(.*?)```", re.DOTALL)
ENTRY = re.compile(r'```toml\n(\[project\.entry-points\."rnncli\.tasks"\])\n(.*?)```', re.DOTALL)


def files() -> dict[str, str]:
    """What the page shows, by the names of the files."""
    return dict(FILE.findall(PAGE.read_text(encoding="utf-8")))


def build(folder: Path) -> Path:
    """Lay the package into ``folder`` as an installer would, with its entry point; returns the folder."""
    ((_, entry),) = ENTRY.findall(PAGE.read_text(encoding="utf-8"))
    name = entry.split('"')[1]
    for file, text in files().items():
        path = folder / name / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (folder / name / "__init__.py").write_text("", encoding="utf-8")
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(f"[rnncli.tasks]\n{entry.replace(chr(34), '')}", encoding="utf-8")
    return folder
