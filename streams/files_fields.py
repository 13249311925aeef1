"""Rows of text into the typed columns of a usage family, each row on its own.

CSV and JSON Lines come here as one frame: a column a field, of text, or of integers or booleans
where JSON had them. Rows of the same service are read together, field by field and whole columns at
a time; what a row gets wrong is noted against that row, and the others go on. Amounts are read from
their decimal digits, never by way of a float.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from schemas.codes import Reason, Service
from schemas.columns import arrow_schema
from schemas.registry import current_schema
from streams.files_bytes import Origin

ROW = "row"  # the frame's own column: the row's number in the file
SERVICE = "service"
# Decimal amounts of transactions, and the fields that have them in millionths.
AMOUNTS = {"retail_amount": "retail_amount_micros", "cost_amount": "cost_amount_micros"}
TIMES = ("started_at", "ended_at", "original_started_at")
OFFSET = "utc_offset_minutes"
INT32_MIN, INT32_MAX = -(2**31), 2**31 - 1

# Whole seconds and an offset are required; digits beyond microseconds must be zeros.
TIME_TEXT = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6}0*)?[+-][0-9]{2}:[0-9]{2}$"
)
TIME_FORMAT = "%Y-%m-%dT%H:%M:%S%.f%:z"
INTEGER_TEXT = r"^[+-]?[0-9]+$"
AMOUNT_TEXT = r"^([+-]?)([0-9]{1,12})(?:\.([0-9]{1,6})0*)?$"
MICRO_DIGITS = 6


def field_names() -> frozenset[str]:
    """Every column name that a text file may have."""
    names = {n for service in Service for n in arrow_schema(service).names}
    return frozenset(names | {SERVICE, *AMOUNTS})


@dataclass(frozen=True)
class Fault:
    """A row that cannot be read."""

    row: int
    reason: Reason
    what: str


@dataclass(frozen=True)
class Events:
    """Readable rows of one family: typed columns in schema terms, in row order.

    Columns without any value are left out, as `schemas.columns.conform` allows.
    """

    service: Service
    columns: dict[str, pa.Array]
    count: int

    def __len__(self) -> int:
        return self.count


@dataclass
class _Reading:
    """One family's rows on their way to columns; the first fault of a row is the one kept."""

    frame: pl.DataFrame
    faulty: npt.NDArray[np.bool_] = field(init=False)
    faults: list[Fault] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.faulty = np.zeros(len(self.frame), bool)

    def refuse(self, bad: npt.NDArray[np.bool_], name: str, what: str) -> None:
        """Note a fault of the rows in `bad` that have none yet, quoting the value at fault."""
        for i in np.flatnonzero(bad & ~self.faulty).tolist():
            row = int(self.frame[ROW][i])
            value = self.frame[name][i] if name in self.frame.columns else None
            shown = "" if value is None else f": {str(value)[:80]!r}"
            self.faults.append(Fault(row, Reason.UNREADABLE_LINE, f"`{name}` {what}{shown}"))
        self.faulty |= bad


def read_frame(frame: pl.DataFrame, origin: Origin) -> tuple[list[Events], list[Fault]]:
    """Rows of all services into typed columns, and the rows that cannot be read.

    Args:
        frame: the rows; columns are named as the fields, plus `service` and `row`.
        origin: lends its identity to rows without `sequence` and `event_id`.
    """
    events: list[Events] = []
    faults: list[Fault] = []
    labels = frame[SERVICE].cast(pl.String).str.to_lowercase()
    known = [service.label for service in Service]
    strange = frame.filter(~labels.is_in(known).fill_null(value=False))
    for row, label in strange[[ROW, SERVICE]].rows():
        if label is None:
            faults.append(Fault(row, Reason.UNREADABLE_LINE, "`service` is missing"))
        else:
            shown = str(label)[:80]
            faults.append(Fault(row, Reason.UNKNOWN_SERVICE, f"`service` is not known: {shown!r}"))
    for service in Service:
        rows = frame.filter(labels == service.label)
        if len(rows):
            reading = _Reading(rows)
            events.append(_read_family(reading, service, origin))
            faults += reading.faults
    return events, faults


def _read_family(reading: _Reading, service: Service, origin: Origin) -> Events:
    """One family's rows: every field read, foreign fields refused, identity lent where missing."""
    schema = arrow_schema(service)
    frame = reading.frame
    given = {n: frame[n] for n in frame.columns if frame[n].null_count() < len(frame)}
    for name in sorted(given.keys() - {ROW, SERVICE, *schema.names}):
        if name in AMOUNTS and service is Service.TRANSACTION:
            continue
        foreign = frame[name].is_not_null().to_numpy()
        reading.refuse(foreign, name, f"is no field of {service.label} usage")
    columns: dict[str, pl.Series] = {}
    offsets: pl.Series | None = None
    for f in schema:
        if f.name not in given:
            continue
        if f.name in TIMES:
            columns[f.name], here = _read_times(reading, f.name, given[f.name])
            offsets = here if f.name == TIMES[0] else offsets
        else:
            columns[f.name] = _reader(f.name, f.type)(reading, f.name, given[f.name])
    if service is Service.TRANSACTION:
        for name in AMOUNTS.keys() & given.keys():
            columns[AMOUNTS[name]] = _read_amount(reading, name, columns.get(AMOUNTS[name]))
    if offsets is not None:
        stated = columns.get(OFFSET)
        columns[OFFSET] = offsets if stated is None else stated.fill_null(offsets)
    _lend_identity(reading, columns, origin)
    return _finish(reading, service, columns)


_Reader = Callable[[_Reading, str, pl.Series], pl.Series]


def _reader(name: str, kind: pa.DataType) -> _Reader:
    """How a field is read, by its type."""
    if name == "direction":
        return _read_direction
    if pa.types.is_boolean(kind):
        return _read_boolean
    if pa.types.is_int32(kind):
        return _read_int32
    return _read_integer if pa.types.is_int64(kind) else _read_text


def _lost(given: pl.Series, found: pl.Series) -> npt.NDArray[np.bool_]:
    """Rows whose value was given but not understood."""
    lost: npt.NDArray[np.bool_] = (given.is_not_null() & found.is_null()).to_numpy()
    return lost


def _read_text(reading: _Reading, name: str, given: pl.Series) -> pl.Series:
    """Text; an integer of JSON is taken by its digits, an empty value is none."""
    if given.dtype == pl.Boolean:
        reading.refuse(given.is_not_null().to_numpy(), name, "is not text")
    found = given.cast(pl.String)
    return found.set(found == "", None)


def _read_integer(reading: _Reading, name: str, given: pl.Series) -> pl.Series:
    """An integer of at most 64 bits, written in digits alone."""
    if given.dtype == pl.Int64:
        return given
    if given.dtype == pl.Boolean:
        reading.refuse(given.is_not_null().to_numpy(), name, "is not an integer")
        return pl.repeat(None, len(given), dtype=pl.Int64, eager=True)
    found = given.cast(pl.Int64, strict=False)
    lost = _lost(given, found)
    if lost.any():
        digits = given.str.contains(INTEGER_TEXT).fill_null(value=False).to_numpy()
        reading.refuse(lost & digits, name, "does not fit 64 bits")
        reading.refuse(lost, name, "is not an integer")
    return found


def _read_int32(reading: _Reading, name: str, given: pl.Series) -> pl.Series:
    """An integer of at most 32 bits."""
    found = _read_integer(reading, name, given)
    wide = ~found.is_between(INT32_MIN, INT32_MAX).fill_null(value=True).to_numpy()
    if wide.any():
        reading.refuse(wide, name, "does not fit 32 bits")
        found = found.set(pl.Series(wide), None)
    return found.cast(pl.Int32)


def _read_boolean(reading: _Reading, name: str, given: pl.Series) -> pl.Series:
    """`true` or `false`; `1` and `0` mean the same."""
    if given.dtype == pl.Boolean:
        return given
    words = given.cast(pl.String).str.to_lowercase()
    meanings = {"true": True, "1": True, "false": False, "0": False}
    found = words.replace_strict(meanings, default=None, return_dtype=pl.Boolean)
    reading.refuse(_lost(given, found), name, "is neither `true` nor `false`")
    return found


def _read_direction(reading: _Reading, name: str, given: pl.Series) -> pl.Series:
    """`in` or `out`."""
    words = given.cast(pl.String).str.to_lowercase()
    found = words.set(~words.is_in(["in", "out"]), None)
    reading.refuse(_lost(given, found), name, "is neither `in` nor `out`")
    return found


def _read_times(
    reading: _Reading, name: str, given: pl.Series
) -> tuple[pl.Series, pl.Series | None]:
    """Microseconds since 1970 UTC, and the offset in minutes where times are written as text.

    A value is either an integer number of microseconds or RFC 3339 with an offset. A time without
    an offset could be any of a day's hours, and is refused.
    """
    if given.dtype in (pl.Int64, pl.Boolean):
        return _read_integer(reading, name, given), None
    micros = given.cast(pl.Int64, strict=False)
    written = given.filter(micros.is_null() & given.is_not_null())
    if not len(written):
        return micros, None
    where = np.flatnonzero((micros.is_null() & given.is_not_null()).to_numpy())
    iso = written.str.to_uppercase().str.replace(" ", "T", literal=True)
    iso = iso.str.replace("Z$", "+00:00")
    iso = iso.set(~iso.str.contains(TIME_TEXT), None)
    times = iso.str.to_datetime(TIME_FORMAT, time_unit="us", time_zone="UTC", strict=False)
    found = micros.scatter(where, times.cast(pl.Int64))
    lost = _lost(given, found)
    if lost.any():
        reading.refuse(
            lost, name, "is neither RFC 3339 with an offset nor an integer number of microseconds"
        )
    hours = iso.str.slice(-6, 3).cast(pl.Int32)
    minutes = iso.str.slice(-2).cast(pl.Int32)
    signed = hours * 60 + minutes * iso.str.slice(-6, 1).replace_strict(
        {"+": 1, "-": -1}, default=None, return_dtype=pl.Int32
    )
    nothing = pl.repeat(None, len(given), dtype=pl.Int32, eager=True)
    return found, nothing.scatter(where, signed)


def _read_amount(reading: _Reading, name: str, micros: pl.Series | None) -> pl.Series:
    """A decimal amount as exact millionths, where these are not given instead."""
    given = reading.frame[name]
    parts = given.cast(pl.String).str.extract_groups(AMOUNT_TEXT).struct
    whole = parts.field("2").cast(pl.Int64)
    part = parts.field("3").fill_null("").str.pad_end(MICRO_DIGITS, "0").cast(pl.Int64)
    sign = pl.Series(np.where((parts.field("1") == "-").fill_null(value=False).to_numpy(), -1, 1))
    found: pl.Series = (whole * 10**MICRO_DIGITS + part) * sign
    lost = _lost(given, found)
    if lost.any():
        reading.refuse(lost, name, "is not a decimal amount of at most 12 and 6 digits")
    if micros is None:
        return found
    both = (found.is_not_null() & micros.is_not_null()).to_numpy()
    if both.any():
        reading.refuse(both, name, f"and `{AMOUNTS[name]}` are both given; give one")
    return micros.fill_null(found)


def _lend_identity(reading: _Reading, columns: dict[str, pl.Series], origin: Origin) -> None:
    """Rows with neither `sequence` nor `event_id` are identified by the file and their row."""
    nameless = ~reading.faulty
    for name in ("sequence", "event_id"):
        if name in columns:
            nameless &= columns[name].is_null().to_numpy()
    if not nameless.any():
        return
    origin.require_whole_text()
    lent = {
        "source": pl.repeat(origin.source, len(nameless), eager=True),
        "epoch": pl.repeat(0, len(nameless), dtype=pl.Int32, eager=True),
        "sequence": reading.frame[ROW].cast(pl.Int64),
    }
    for name, column in lent.items():
        own = columns.get(name)
        if own is None:
            own = pl.repeat(None, len(nameless), dtype=column.dtype, eager=True)
        columns[name] = column.zip_with(pl.Series(nameless), own)


def _finish(reading: _Reading, service: Service, columns: dict[str, pl.Series]) -> Events:
    """Readable rows as Arrow columns; a row without a required field is not readable.

    A field that no row has is left out: encoders fill it in.
    """
    fields = current_schema(service)["fields"]
    defaults = {f["name"]: f["default"] for f in fields if "default" in f}
    for f in fields:
        name = f["name"]
        if name in defaults:
            continue
        if name not in columns:
            reading.refuse(np.ones(len(reading.faulty), bool), name, "is missing")
        elif columns[name].null_count():
            reading.refuse(columns[name].is_null().to_numpy(), name, "is missing")
    keep = pl.Series(~reading.faulty) if reading.faulty.any() else None
    arrays: dict[str, pa.Array] = {}
    for f in arrow_schema(service):
        if f.name not in columns:
            continue
        column = columns[f.name] if keep is None else columns[f.name].filter(keep)
        if column.null_count() and defaults.get(f.name) is not None:
            column = column.fill_null(defaults[f.name])
        array = column.to_arrow()
        is_time = pa.types.is_timestamp(f.type)
        arrays[f.name] = array.view(f.type) if is_time else array.cast(f.type)
    return Events(service, arrays, int((~reading.faulty).sum()))
