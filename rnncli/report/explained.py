"""A page of explanations: one file, no network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rnncli.report.page import page_of

Told = tuple[Mapping[str, Any], Sequence[str]]
"""An answer as JSON has it, and what stands behind each of its pieces."""


def explained_page(answers: Sequence[Told], method: str, run: str) -> str:
    """The answers, each piece as strong a colour as it adds much: of one kind what speaks for the label, or against."""
    return page_of(
        "explained.html.j2", title=f"What predictions of {run} hang on", method=method, answers=[*map(_shown, answers)]
    )


def _shown(told: Told) -> dict[str, Any]:
    answer, gaps = told
    most = max((abs(one["adds"]) for one in answer["pieces"]), default=0.0) or 1.0
    pieces = [
        {
            "text": one["piece"],
            "gap": gap,
            "says": f"{one['adds']:+.3f}",
            "kind": ("for" if one["adds"] > 0 else "against") if one["adds"] else "",
            "shade": round(100 * abs(one["adds"]) / most),
        }
        for one, gap in zip(answer["pieces"], gaps, strict=True)
    ]
    off = "" if answer["adds_up"] else ", and so it is off by more than 1 %"
    facts = [(name, f"{amount:+.3f}") for name, amount in answer["inputs"].items()]
    facts += [(f"{name} would give", f"{odds:+.3f}") for name, odds in answer["beside"].items()]
    facts.append(("sum", f"{answer['sum']:+.3f} of {answer['difference']:+.3f}{off}"))
    at = answer.get("at")
    where = " at " + " ".join(one["piece"] for one in answer["pieces"][slice(*at)]) if at else ""
    sure = f"{100 * answer['probability']:.1f} %, log-odds {answer['log_odds']:+.2f}"
    return {"head": f"{answer['label']}{where}, {sure}", "pieces": pieces, "facts": facts}
