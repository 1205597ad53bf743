"""Parquet files, and repositories read through ``datasets``, to tables."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from rnncli.data.tables.dialects import Header
from rnncli.data.tables.records import BATCH_ROWS, PLACE
from rnncli.data.tables.table import Table, TableWriter, require_rows, with_place
from rnncli.errors import DataError


def read_parquet(path: Path, encoding: str = "auto", header: Header = "auto") -> Table:
    """A Parquet file; places are row numbers from 1. Class numbers of a ``datasets`` file become names.

    ``encoding`` and ``header`` are there for likeness with the other readers; Parquet text is always utf-8.
    """
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(path)
        schema = pa.schema([(field.name, _plain(field.type)) for field in file.schema_arrow])
        with TableWriter(str(path), with_place(schema)) as writer:
            for batch in file.iter_batches(BATCH_ROWS):
                columns = [column.cast(_plain(column.type)) for column in batch.columns]
                places = pa.array(range(writer.rows + 1, writer.rows + batch.num_rows + 1), pa.int64())
                writer.write(pa.record_batch([*columns, places], schema=writer.schema))
            require_rows(writer, "no rows")
            table = writer.finish()
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path}: not a readable Parquet file: {first_line(error)}") from error
    metadata = (file.schema_arrow.metadata or {}).get(b"huggingface", b"{}")
    features = json.loads(metadata).get("info", {}).get("features", {})
    return replace(table, store=name_classes(table.store, features))


def load_repository(path: str, config: str | None, wanted: list[str] | None) -> dict[str, pa.Table]:
    """The splits of a ``datasets`` repository, by hub name or local folder, by their own names.

    ``wanted`` names the splits, slices such as ``train[:1000]`` included; ``None`` takes all. The rows stay
    in the Arrow files that ``datasets`` keeps in its cache. Raises ``DataError`` where the repository cannot
    be had.
    """
    import datasets

    datasets.disable_progress_bars()
    try:
        loaded: Any = datasets.load_dataset(path, name=config, split=wanted)
    except Exception as error:
        raise DataError(f"{path}: {first_line(error)}", _hint(error)) from error
    splits = dict(zip(wanted, loaded, strict=True)) if wanted else dict(loaded.items())
    tables = {}
    for name, split in splits.items():
        stored = split.with_format("arrow")[:]
        stored = name_classes(stored.replace_schema_metadata(None), split.features.to_dict())
        tables[str(name)] = stored.append_column(PLACE, pa.array(range(1, len(stored) + 1), pa.int64()))
    return tables


def name_classes(table: pa.Table, features: Mapping[str, Any]) -> pa.Table:
    """Replace class numbers, or lists of them, by their names; ``features`` is as ``datasets`` writes it.

    A number outside the classes, such as -1 for unlabelled, becomes a missing value.
    """
    for column, feature in features.items():
        names = _class_names(feature)
        at = table.schema.get_field_index(column)
        if names and at >= 0:
            chunks = [_named(chunk, pa.array(names, pa.string())) for chunk in table.column(at).chunks]
            table = table.set_column(at, column, pa.chunked_array(chunks))
    return table


def first_line(error: BaseException) -> str:
    """The first line of another library's message, or the kind of its error where it has none."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")


def _class_names(feature: Any) -> list[str] | None:
    if not isinstance(feature, Mapping):
        return None
    if feature.get("_type") == "ClassLabel":
        return feature.get("names")
    return _class_names(feature.get("feature"))


def _named(numbers: pa.Array, classes: pa.Array) -> pa.Array:
    if pa.types.is_list(numbers.type):
        lengths = numbers.value_lengths().fill_null(0).to_numpy(zero_copy_only=False)
        offsets = pa.array(np.concatenate([[0], np.cumsum(lengths)]), pa.int32())
        return pa.ListArray.from_arrays(offsets, _named(numbers.flatten(), classes), mask=numbers.is_null())
    codes = numbers.fill_null(-1).to_numpy(zero_copy_only=False)
    outside = (codes < 0) | (codes >= len(classes))
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32), mask=outside), classes)


def _plain(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _hint(error: Exception) -> str:
    kind = type(error).__name__
    if "Config" in kind or "config" in first_line(error).lower():
        return "name one of its configurations: data.config=NAME"
    if "split" in first_line(error).lower():
        return "name its splits: data.splits={train: ..., test: ...}"
    return "check its name and the network, or give a folder or file that is here"
