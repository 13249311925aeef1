"""Attribution keys: what usage is recognised by, and whose it is from when to when.

A key has a kind (a trunk group's route, a range of numbers or of IMSIs, an access point, a
network, a product instance, a sales channel) and stands for one agreement at a time, or for the
operator itself, written `own`. Keys change hands, and between two owners there may be a gap: usage
that comes in it is usage of an unknown key. Two owners at once are refused.
"""

from __future__ import annotations

from collections.abc import Collection

import polars as pl

from schemas.agreements import OWN_NAME
from schemas.codes import KeyKind
from schemas.documents import Problems
from schemas.fields import DIGITS, DIGITS_ADVICE, NAME, NAME_ADVICE
from schemas.sheets import Sheet, read_csv

FILE = "attribution.csv"
COLUMNS = ("kind", "key", "agreement", "valid_from", "valid_upto")
RANGES = (KeyKind.NUMBER_RANGE, KeyKind.IMSI_RANGE)
KEY_LENGTH_MAX = 128

# Suspended usage keeps so many digits of a subscriber in clear: a longer range would decide one way
# when usage comes in and another way when it is recycled.
RANGE_DIGITS_MAX = 9
RANGE_ADVICE = (
    f"is longer than {RANGE_DIGITS_MAX} digits, all that recycling still knows of a subscriber;"
    " write the range with fewer digits"
)


def read_keys(
    content: bytes,
    agreements: Collection[str] | None,
    problems: Problems,
    file: str = FILE,
    given: pl.DataFrame | None = None,
) -> pl.DataFrame | None:
    """Keys as columns kind (code), key, agreement, valid_from_s, valid_upto_s, by kind and key.

    Args:
        content: of the file.
        agreements: the names that keys may stand for besides `own`; None skips that check.
        problems: what is wrong is added to them.
        file: its name.
        given: keys that another file gives already; this one may not give them too.
    """
    frame = read_csv(content, file, COLUMNS, problems)
    if frame is None:
        return None
    sheet = Sheet(frame, file, problems)
    sheet.values("kind", kind_of, "code")
    is_range = pl.col("code").is_in([int(kind) for kind in RANGES])
    not_digits = ~pl.col("key").str.contains(f"^{DIGITS}$")
    sheet.refuse("key", is_range & not_digits, lambda key: f"{key!r} {DIGITS_ADVICE}")
    too_long = is_range & ~not_digits & (pl.col("key").str.len_chars() > RANGE_DIGITS_MAX)
    sheet.refuse("key", too_long, lambda key: f"{key!r} {RANGE_ADVICE}")
    sheet.match(
        "key",
        rf"[^\p{{C}}]{{1,{KEY_LENGTH_MAX}}}",
        f"is not a key; write 1 to {KEY_LENGTH_MAX} letters",
    )
    sheet.match("agreement", NAME, f"is not a name; {NAME_ADVICE}")
    if agreements is not None:
        known = [*agreements, OWN_NAME]
        sheet.refuse(
            "agreement",
            ~pl.col("agreement").is_in(known),
            lambda name: f"{name!r} is not in agreements.yaml; add it there, or write {OWN_NAME}",
        )
    if given is not None:
        sheet.refuse(
            "key",
            _name("code").is_in(given.select(_name("kind")).to_series().implode()),
            lambda key: f"{key!r} is already given in {FILE}; keep one of the two",
        )
    sheet.validity()
    sheet.succession(["code", "key"], gaps_refused=False)
    kind = pl.col("code").alias("kind")
    return sheet.frame.select(kind, "key", "agreement", "valid_from_s", "valid_upto_s")


def _name(kind: str) -> pl.Expr:
    """Kind and key in one text, the kind's code in the column of that name."""
    return pl.concat_str(kind, "key", separator=" ")


def key_names(attribution: pl.DataFrame) -> frozenset[str]:
    """The keys of an attribution as people write them, for instance `route:TG-001`."""
    pairs = attribution.select("kind", "key").unique().iter_rows()
    return frozenset(f"{KeyKind(kind).label}:{key}" for kind, key in pairs)


def kind_of(text: str) -> int:
    """The code of a kind of key."""
    by_label = {kind.label: kind for kind in KeyKind}
    if text not in by_label:
        raise ValueError(f"{text!r} is not a kind of key; write one of {', '.join(by_label)}")
    return int(by_label[text])
