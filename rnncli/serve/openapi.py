"""What the server takes and gives, as an OpenAPI 3.1 document."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rnncli.serve.served import Served
from rnncli.version import __version__

TEXT = "text/plain"
JSON = "application/json"
LINES = "application/x-ndjson"
REFUSALS = {
    "400": "A request that cannot be answered.",
    "404": "A model that is not there.",
    "408": "A request that did not come to its end in time.",
    "413": "A request that is too large, or holds too many inputs or too long a one.",
    "503": "Too much waits, or the answer took too long.",
}
ITEMS: dict[str, dict[str, Any]] = {
    "texts": {
        "oneOf": [
            {"type": "string", "description": "A text."},
            {
                "type": "object",
                "description": 'A line of JSON for `rnncli predict`, such as {"text": "..."}.',
            },
        ]
    },
    "rows": {"type": "object", "description": "A row of a history: columns as in training."},
}


def document(models: Sequence[Served], most_inputs: int, most_bytes: int) -> dict[str, Any]:
    """The document; each model has a path of its own, and a single one ``/predict`` besides."""
    paths: dict[str, Any] = {f"/predict/{model.name}": {"post": _predict(model, most_inputs)} for model in models}
    if len(models) == 1:
        paths["/predict"] = {"post": _predict(models[0], most_inputs, "predict")}
    paths |= {
        "/health": {"get": _get("health", "Whether it answers, and what it did.", JSON)},
        "/openapi.json": {"get": _get("openapi", "This document.", JSON)},
        "/": {"get": _get("page", "A page to try it in a browser.", "text/html")},
    }
    for model in models:
        paths[f"/card/{model.name}"] = {"get": _get(f"card_{model.name}", "The model card.", "text/markdown", True)}
    if len(models) == 1:
        paths["/card"] = {"get": _get("card", "The model card.", "text/markdown", True)}
    tasks = ", ".join(f"{model.name} ({model.task})" for model in models)
    about = f"Models trained by rnncli: {tasks}. A request holds at most {most_bytes:,} bytes."
    return {
        "openapi": "3.1.0",
        "info": {"title": "rnncli serve", "version": __version__, "description": about},
        "paths": paths,
        "components": {"schemas": {"Error": _error()}},
    }


def _predict(model: Served, most_inputs: int, name: str = "") -> dict[str, Any]:
    return {
        "operationId": name or f"predict_{model.name}",
        "summary": f"Predict with {model.name}, a model of task {model.task}.",
        "requestBody": {"required": True, "content": _request(model, most_inputs)},
        "responses": {"200": _response(model)} | {status: _refusal(said) for status, said in REFUSALS.items()},
    } | ({"parameters": [_ending()]} if model.kind == "file" else {})


def _request(model: Served, most_inputs: int) -> dict[str, Any]:
    if model.kind == "file":
        return {"application/octet-stream": {"schema": {"description": "The content of a file."}}}
    item = ITEMS[model.kind]
    listed: dict[str, Any] = {"type": "array", "items": item, "maxItems": most_inputs}
    keys: dict[str, Any] = {"inputs": {"oneOf": [listed, item]}}
    form = "a text a line" if model.kind == "texts" else "a table with a header"
    if model.kind == "rows":
        listed.pop("maxItems")
        numbers = {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}
        keys = {"inputs": listed, "future": listed, "quantiles": {"type": "array", "items": numbers}}
    whole = {"type": "object", "properties": keys, "required": ["inputs"], "additionalProperties": False}
    example = model.example if model.kind == "rows" else [model.example]
    plain = TEXT if model.kind == "texts" else "text/csv"
    return {
        JSON: {"schema": {"anyOf": [whole, listed, item]}, "example": {"inputs": example}},
        plain: {"schema": {"type": "string", "description": form}, "example": model.predictor.example},
    }


def _response(model: Served) -> dict[str, Any]:
    row = {"type": "object", "description": "As `rnncli predict` gives it."}
    keys = {
        "predictions": {"type": "array", "items": row},
        "notes": {"type": "array", "items": {"type": "string"}, "description": "What is to be said of the input."},
    }
    content: dict[str, Any] = {
        JSON: {"schema": {"type": "object", "properties": keys, "required": ["predictions"]}},
    }
    if model.kind != "file":
        content[LINES] = {"schema": {"type": "string", "description": "A row a line, for lines or a table."}}
    return {"description": "A row for each input, in order.", "content": content}


def _get(name: str, summary: str, media: str, may_lack: bool = False) -> dict[str, Any]:
    kind = "object" if media == JSON else "string"
    found = {"200": {"description": summary, "content": {media: {"schema": {"type": kind}}}}}
    return {
        "operationId": name,
        "summary": summary,
        "responses": found | ({"404": _refusal("A run without a report.")} if may_lack else {}),
    }


def _refusal(said: str) -> dict[str, Any]:
    return {"description": said, "content": {JSON: {"schema": {"$ref": "#/components/schemas/Error"}}}}


def _error() -> dict[str, Any]:
    text = {"type": "string"}
    return {
        "type": "object",
        "properties": {"error": text | {"description": "One sentence."}, "try": text | {"description": "What to do."}},
        "required": ["error"],
    }


def _ending() -> dict[str, Any]:
    return {
        "name": "type",
        "in": "query",
        "description": "The ending of the file, such as wav or mp4.",
        "schema": {"type": "string"},
    }
