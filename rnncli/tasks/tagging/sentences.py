"""A sentence as it is given: plain, or as an object of JSON; with the standard library, as exported models have it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from rnncli.data.text.neighbours import Given
from rnncli.errors import DataError, UsageError
from rnncli.tasks.common.predicting import require_characters
from rnncli.tasks.tagging.columns import TOKEN_NAMES
from rnncli.tasks.tagging.extras.lexicon import Lexicon
from rnncli.tasks.tagging.extras.plain import words


@dataclass(frozen=True)
class SentenceReader:
    """Reads sentences for a tagger of this ``layout``, which knows the words of a lexicon."""

    layout: Mapping[str, Any]
    lexicon: Lexicon

    def parse(self, text: str, place: str) -> Given:
        """A sentence, or a JSON object that holds ``tokens`` or ``text``; DataError naming the ``place``."""
        require_characters(text, place)
        return self.object(text, place) if text.lstrip().startswith("{") else self.sentence(text)

    def sentence(self, text: str) -> Given:
        """A plain sentence; UsageError where the model reads more than words."""
        if self.layout["features"]:
            needed = ", ".join(self.layout["features"])
            raise UsageError(
                f"this model also reads column {needed}, which a plain sentence lacks",
                f'give a JSON object with lists "tokens" and {needed} on a line; rnncli predict RUN FILE also reads '
                "columns as it was trained on",
            )
        text = text.rstrip("\r\n")
        tokens, starts = words(text, by_character=self.layout["by_character"], knows=self.lexicon.knows)
        return Given(tokens, row={"text": text}, text=text, starts=starts)

    def object(self, line: str, place: str) -> Given:
        """A sentence in a JSON object: lists of ``tokens`` and of what is read with them, or a ``text``."""
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise DataError(f"{place}: not JSON: {error}", "each line holds one whole JSON object") from error
        if "\\u" in line:  # the one way in which half a character may come
            require_characters(json.dumps(row, ensure_ascii=False), place)
        if isinstance(row, dict) and isinstance(row.get("text"), str) and "tokens" not in row:
            return replace(self.sentence(row["text"]), row=row)
        names = (self.layout["token"], *TOKEN_NAMES)
        tokens = next((row[name] for name in names if name in row), None) if isinstance(row, dict) else None
        features = [row.get(name) for name in self.layout["features"]] if isinstance(row, dict) else []
        for values in (tokens, *features):
            if not isinstance(values, list) or (tokens is not None and len(values) != len(tokens)):
                raise DataError(f'{place}: no list "tokens"', 'for example {"tokens": ["Berlin", "calls"]}')
        further = tuple([str(value) for value in values or []] for values in features)
        return Given([str(token) for token in tokens or []], further, row=row)
