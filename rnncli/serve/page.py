"""The page on which to try the models: one file, no network but the server itself."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from rnncli.report.page import FOLDER
from rnncli.serve.served import Served

TEMPLATES = Path(__file__).with_name("templates")


def page(models: Sequence[Served]) -> tuple[str, str]:
    """The page, and the policy under which it is sent: this one script, and nothing from elsewhere."""
    script = Markup((TEMPLATES / "try.js").read_text(encoding="utf-8"))
    print_of = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    style = Markup((FOLDER / "style.css").read_text(encoding="utf-8"))
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined)
    told = [
        {"name": one.name, "task": one.task, "kind": one.kind, "example": _shown(one), "file": one.predictor.example}
        for one in models
    ]
    content = environment.get_template("try.html.j2").render(models=told, style=style, script=script)
    inside = f"style-src 'unsafe-inline'; script-src 'sha256-{print_of}'"
    return content, f"default-src 'none'; img-src data:; connect-src 'self'; {inside}; frame-ancestors 'none'"


def _shown(model: Served) -> str:
    """What the box holds at first."""
    return json.dumps(model.example, indent=1) if model.kind == "rows" else model.predictor.example
