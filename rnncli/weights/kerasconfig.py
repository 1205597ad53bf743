"""What the configuration of a model of Keras says of its layers: which are recurrent, of what kind, what they read.

It is data: classes are known by their names, none is looked up, and nothing that a configuration holds is run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rnncli.core.cells import ACTIVATIONS

MODELS = ("Sequential", "Functional", "Model")
CELLS = {"SimpleRNN": "rnn", "LSTM": "lstm", "GRU": "gru"}
OTHER_RECURRENT = re.compile(r"RNN$|LSTM|GRU|^TimeDistributed$|RNN\(|Cell$")
PASSING = ("Dropout", "SpatialDropout1D", "GaussianDropout", "GaussianNoise", "ActivityRegularization", "Identity")
"""Layers that do nothing when a model is used."""
TRAINING = ("dropout", "recurrent_dropout")
"""Settings that count in training alone."""
STATEFUL = "stateful: it carries its state from batch to batch in Keras, which is left out"
MASKED = "it reads masked steps: Keras skips them wherever they are, here a sequence ends and has nothing to skip"


@dataclass(frozen=True)
class KerasLayer:
    """A layer: ``places`` are the names and places of it and of the models around it, outermost first.

    ``config`` is that of one direction, ``wrapper`` that of the bidirectional layer around it; ``reads`` the name of
    the recurrent layer that it reads, empty for none, None where there is no configuration. ``masked`` says that what
    it reads is masked.
    """

    name: str
    kind: str
    config: Mapping[str, Any]
    reads: str | None
    wrapper: Mapping[str, Any] | None = None
    places: tuple[tuple[str, str], ...] = ()
    masked: bool = False

    @property
    def what(self) -> str:
        """Its class, and that of the layer inside of it."""
        return f"Bidirectional {self.kind}" if self.wrapper else self.kind

    @property
    def is_recurrent(self) -> bool:
        """Whether it is known by its class to be recurrent."""
        return bool(OTHER_RECURRENT.search(self.kind))

    @property
    def directions(self) -> int:
        """1 or 2."""
        return 2 if self.wrapper else 1

    @property
    def activation(self) -> str:
        """That of a SimpleRNN."""
        return _named(self.config.get("activation", "tanh"))

    @property
    def reset(self) -> str:
        """Where a GRU resets; models of before there was a choice reset before the product."""
        return "after" if self.config.get("reset_after", False) else "before"

    @property
    def trouble(self) -> str:
        """By name what no layer here computes; empty where there is nothing."""
        if self.kind not in CELLS:
            return f"{self.what} is none of SimpleRNN, LSTM and GRU" if self.kind else ""
        found = [*_own_trouble(self.kind, self.config)]
        if self.wrapper is None:
            found += ["go_backwards: it reads from the end"] * bool(self.config.get("go_backwards"))
        else:
            found += _pair_trouble(self.kind, self.config, self.wrapper)
        return "; ".join(found)

    @property
    def notes(self) -> tuple[str, ...]:
        """By name what is left out and counts for little."""
        left = [f"{name}={self.config[name]:g}" for name in TRAINING if self.config.get(name)]
        notes = [f"of Keras's training left out: {', '.join(left)}"] if left else []
        notes += [STATEFUL] * bool(self.config.get("stateful")) + [MASKED] * self.masked
        return tuple(notes)


def layers_of(config: Mapping[str, Any]) -> list[KerasLayer]:
    """All layers of a model, those of models inside of it among them; ValueError for what is no model of layers."""
    if config.get("class_name") not in MODELS and "layers" not in _inner(config):
        raise ValueError(f"its model is of class {config.get('class_name')}, which does not list its layers")
    return list(_walk(config, "", ()))


def _walk(model: Mapping[str, Any], above: str, places: tuple[tuple[str, str], ...]) -> Iterator[KerasLayer]:
    inner = model["config"]
    entries = inner if isinstance(inner, list) else inner["layers"]  # Keras before 2.2.3 had the list alone
    sources = _sources(entries, is_chain=model.get("class_name") == "Sequential")
    recurrent = {_name(one) for one in entries if _layer_inside(one)[0] in CELLS}
    counts: dict[str, int] = {}
    for entry in entries:
        name, kind = _name(entry), entry["class_name"]
        place = _snake(kind)
        counts[place] = counts.get(place, -1) + 1
        here = (*places, (name, f"{place}_{counts[place]}" if counts[place] else place))
        if kind in MODELS:
            yield from _walk(entry, f"{above}{name}/", here)
            continue
        source = _through(name, sources, entries)
        reads = f"{above}{source}" if source in recurrent else ""
        inner_kind, config, wrapper = _layer_inside(entry)
        yield KerasLayer(above + name, inner_kind, config, reads, wrapper, here, _masks(source, entries))


def _layer_inside(entry: Mapping[str, Any]) -> tuple[str, Mapping[str, Any], Mapping[str, Any] | None]:
    """Class and configuration of a layer, or of the one inside of a bidirectional one with that one's own."""
    kind, config = entry["class_name"], _inner(entry)
    package = str(entry.get("registered_name") or "").rpartition(">")[0]
    if package:
        return f"{package}>{kind}", config, None
    if kind == "Bidirectional" and config["layer"]["class_name"] in CELLS:
        return config["layer"]["class_name"], config["layer"]["config"], config
    if kind in ("Bidirectional", "RNN", "TimeDistributed"):
        inside = config.get("layer") or config.get("cell") or {}
        inside = inside if isinstance(inside, Mapping) else {}
        kind = f"{kind}({inside.get('class_name', '')})"
    return kind, config, None


def _own_trouble(kind: str, config: Mapping[str, Any]) -> Iterator[str]:
    wanted = {"activation": tuple(ACTIVATIONS) if kind == "SimpleRNN" else ("tanh",)}
    if kind != "SimpleRNN":
        wanted["recurrent_activation"] = ("sigmoid",)
    for name, known in wanted.items():
        if name in config and (found := _named(config[name])) not in known:
            yield f"{name} is {found}, not {' or '.join(known)}"


def _pair_trouble(kind: str, config: Mapping[str, Any], wrapper: Mapping[str, Any]) -> list[str]:
    """What is wrong with a bidirectional layer beside what is wrong with its forward one."""
    found = []
    if (mode := wrapper.get("merge_mode", "concat")) != "concat":
        found.append(f"merge_mode is {mode}, not concat")
    if config.get("go_backwards"):
        found.append("go_backwards: its forward direction reads from the end")
    backward = wrapper.get("backward_layer")
    if isinstance(backward, Mapping):
        other = backward.get("config", {})
        told = ("units", "activation", "recurrent_activation", "reset_after", "use_bias")
        if backward.get("class_name") != kind or any(config.get(one) != other.get(one) for one in told):
            found.append("backward_layer is another one than the forward layer")
        elif not other.get("go_backwards", True):
            found.append("backward_layer does not go backwards")
    return found


def _sources(entries: Sequence[Mapping[str, Any]], *, is_chain: bool) -> dict[str, str]:
    """By name of a layer the name of the one whose output it reads first."""
    names = [_name(entry) for entry in entries]
    if is_chain:
        return dict(zip(names[1:], names, strict=False))
    return {name: _source(entry.get("inbound_nodes") or []) for name, entry in zip(names, entries, strict=True)}


def _source(nodes: Any) -> str:
    """The first layer that is read, in the form of Keras 3 or 2."""
    if not nodes:
        return ""
    node = nodes[0]
    if isinstance(node, Mapping):
        tensors = node.get("args") or [{}]
        first = tensors[0][0] if isinstance(tensors[0], list) else tensors[0]
        return str(first["config"]["keras_history"][0]) if isinstance(first, Mapping) and "config" in first else ""
    return str(node[0][0]) if isinstance(node[0], list) else str(node[0])


def _through(name: str, sources: Mapping[str, str], entries: Sequence[Mapping[str, Any]]) -> str:
    """What a layer reads but for layers that only pass it on."""
    kinds = {_name(entry): entry["class_name"] for entry in entries}
    source = sources.get(name, "")
    for _ in entries:
        if kinds.get(source) not in PASSING:
            break
        source = sources.get(source, "")
    return source


def _masks(source: str, entries: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the layer of a name leaves steps out for those that read it."""
    found = next((entry for entry in entries if _name(entry) == source), {"class_name": ""})
    return found["class_name"] == "Masking" or bool(_inner(found).get("mask_zero"))


def _name(entry: Mapping[str, Any]) -> str:
    return str(_inner(entry).get("name") or entry.get("name") or "")


def _inner(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    found = entry.get("config", {})
    return found if isinstance(found, Mapping) else {"layers": found}


def _named(function: Any) -> str:
    """The name of an activation, whether it stands alone or in a configuration."""
    if isinstance(function, Mapping):
        inner = function.get("config")
        return str(inner if isinstance(inner, str) else function.get("class_name"))
    return str(function)


def _snake(kind: str) -> str:
    """What Keras calls the first layer of a class in a file."""
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", re.sub(r"\W+", "", kind))
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()
