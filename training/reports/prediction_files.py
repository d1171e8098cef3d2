"""Tables of predictions as files: CSV with a JSON file beside it, or one Parquet file, by the ending of its name.

A Parquet file holds what the predictions are of in its own metadata, as the same JSON.
"""

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from scanner.base.documents import demand_plain
from scanner.base.errors import KnownError
from scanner.base.files import write_whole, written_whole

from ..data.manifest import separated_otherwise

# The columns that hold numbers; all others hold text.
NUMBERS, COUNTS = ("logit", "score"), ("faces",)
_PARQUET, _METADATA = ".parquet", b"dfscan.predictions"

# One picture: what each column says of it. None and "" both mean that it says nothing.
Line = Mapping[str, Any]


class PredictionsError(KnownError):
    """A file of predictions that cannot be read or written."""


def demand_place(path: Path, *, replace: bool) -> None:
    """Before hours of scoring: predictions can be written to `path`, and nothing but earlier ones is lost by that.

    Raises PredictionsError, for other files in their place unless these are to be replaced, too.
    """
    if not path.absolute().parent.is_dir():
        raise PredictionsError(f"{path} cannot be written: there is no folder {path.parent}; make it, or name another file")
    if replace or _holds_predictions(path):
        return
    if other := next((file for file in _files_of(path) if file.exists()), None):
        raise PredictionsError(f"{other} exists and holds no predictions; name another file, or overwrite it with --force")


def write_table(path: Path, columns: Sequence[str], lines: Sequence[Line], origin: Mapping[str, Any]) -> None:
    """Write `lines`, and `origin` (JSON-ready) with them. Raises PredictionsError."""
    try:
        if path.suffix.lower() == _PARQUET:
            _write_parquet(path, columns, lines, origin)
        else:
            with written_whole(path) as partial, partial.open("w", newline="", encoding="utf-8") as opened:
                writer = csv.writer(opened, lineterminator="\n")
                writer.writerow(columns)
                writer.writerows([_cell(line[name]) for name in columns] for line in lines)
            write_whole(_beside(path), json.dumps(origin, indent=2) + "\n")
    except OSError as error:
        raise PredictionsError(f"{path} cannot be written: {error.strerror or error}; name another file") from None


def read_table(path: Path, columns: Sequence[str]) -> tuple[list[tuple[int, Line]], Any]:
    """The lines, each with its number in the file, and what lies beside them. Raises PredictionsError."""
    parquet = path.suffix.lower() == _PARQUET
    try:
        names, lines, origin = _read_parquet(path) if parquet else _read_csv(path)
        demand_plain(origin)
    except OSError as error:
        raise PredictionsError(
            f"{error.filename or path} cannot be read: {error.strerror or error}; "
            "predictions are one Parquet file, or a CSV and a JSON file"
        ) from None
    except (ValueError, csv.Error, RecursionError) as error:
        beside = "" if parquet else ", or the JSON file beside it,"
        raise PredictionsError(f"{path}{beside} holds no predictions: {str(error).splitlines()[0]}") from None
    if missing := [name for name in columns if name not in names]:
        hint = separated_otherwise(names) or "; write it anew with `dfscan evaluate --predictions`"
        raise PredictionsError(f"{path} has no column {missing[0]!r}{hint}")
    if not lines:
        raise PredictionsError(f"{path} holds no predictions; `dfscan evaluate --predictions FILE` writes such a file")
    return lines, origin


def _cell(value: Any) -> str:
    """Numbers to the last bit."""
    return "" if value is None else repr(value) if isinstance(value, float) else str(value)


def _read_csv(path: Path) -> tuple[Sequence[str], list[tuple[int, Line]], Any]:
    path.stat()  # where both are missing, the one that was named is told
    origin = json.loads(_beside(path).read_text(encoding="utf-8"))
    # utf-8-sig: spreadsheets write a byte order mark.
    with path.open(newline="", encoding="utf-8-sig") as opened:
        reader = csv.DictReader(opened, strict=True)
        lines: list[tuple[int, Line]] = [(reader.line_num, line) for line in reader]
        return reader.fieldnames or (), lines, origin


def _files_of(path: Path) -> tuple[Path, ...]:
    return (path,) if path.suffix.lower() == _PARQUET else (path, _beside(path))


def _holds_predictions(path: Path) -> bool:
    try:
        read_table(path, NUMBERS)
    except PredictionsError:
        return False
    return True


def _beside(path: Path) -> Path:
    return path.with_suffix(".json")


def _write_parquet(path: Path, columns: Sequence[str], lines: Sequence[Line], origin: Mapping[str, Any]) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    kinds = {**dict.fromkeys(NUMBERS, pa.float64()), **dict.fromkeys(COUNTS, pa.int64())}
    schema = pa.schema([(name, kinds.get(name, pa.string())) for name in columns], {_METADATA: json.dumps(origin).encode()})
    held = {name: [line[name] for line in lines] for name in columns}
    with written_whole(path) as partial:
        parquet.write_table(pa.table(held, schema=schema), partial, compression="zstd")


def _read_parquet(path: Path) -> tuple[Sequence[str], list[tuple[int, Line]], Any]:
    """Raises OSError, and ValueError for what is no Parquet, or does not say what it is of."""
    from pyarrow import ArrowException, parquet

    with path.open("rb") as opened:
        try:
            table = parquet.read_table(opened)
        except ArrowException as error:
            raise ValueError(error) from None
    held = (table.schema.metadata or {}).get(_METADATA)
    if held is None:
        raise ValueError("it does not say of which detector and pictures; write it with `dfscan evaluate --predictions`")
    return table.column_names, list(enumerate(table.to_pylist(), start=1)), json.loads(held)
