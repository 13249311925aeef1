"""Characteristics: what is known of a key besides whose it is, and from when to when.

A circuit is fibre or copper, a subscription active or suspended, a route premium or standard: the
network does not say so with every event, but prices depend on it. `characteristics.csv` gives
attribution keys named characteristics with validity, and a condition may ask for one. What counts
is the characteristic of the key that made the leg, at the time of the event.
"""

from __future__ import annotations

from collections.abc import Collection

import polars as pl

from schemas.codes import KeyKind
from schemas.documents import Problems
from schemas.fields import NAME, NAME_ADVICE
from schemas.keys import FILE as KEYS_FILE
from schemas.keys import kind_of
from schemas.sheets import Sheet, read_csv

FILE = "characteristics.csv"
COLUMNS = ("kind", "key", "name", "value", "valid_from", "valid_upto")
VALUE_LENGTH_MAX = 128
SCHEMA = {
    "key": pl.String,
    "name": pl.String,
    "value": pl.String,
    "valid_from_s": pl.Int64,
    "valid_upto_s": pl.Int64,
}


def none() -> pl.DataFrame:
    """What a reference has that says nothing about its keys."""
    return pl.DataFrame(schema=SCHEMA)


def read_characteristics(
    content: bytes, keys: Collection[str] | None, problems: Problems
) -> pl.DataFrame:
    """Characteristics as columns key (as in `route:TG-001`), name, value and validity.

    `keys` are those of `attribution.csv`; None skips that check.
    """
    frame = read_csv(content, FILE, COLUMNS, problems)
    if frame is None:
        return none()
    sheet = Sheet(frame, FILE, problems)
    sheet.values("kind", kind_of, "code")
    sheet.match("name", NAME, f"is not a name; {NAME_ADVICE}")
    sheet.match(
        "value",
        rf"[^\p{{C}}]{{1,{VALUE_LENGTH_MAX}}}",
        f"is not a value; write 1 to {VALUE_LENGTH_MAX} letters",
    )
    labels = {int(kind): f"{kind.label}:" for kind in KeyKind}
    prefix = pl.col("code").replace_strict(
        list(labels), list(labels.values()), return_dtype=pl.String
    )
    sheet.frame = sheet.frame.with_columns(named=prefix + pl.col("key"))
    if keys is not None:
        sheet.refuse(
            "key",
            ~pl.col("named").is_in(list(keys)),
            lambda key: f"{key!r} is not in {KEYS_FILE}; add it there",
            "named",
        )
    sheet.validity()
    sheet.succession(["named", "name"], gaps_refused=False)
    return sheet.frame.select(
        pl.col("named").alias("key"), "name", "value", "valid_from_s", "valid_upto_s"
    )
