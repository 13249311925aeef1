"""Tests of how fields of text become typed columns, and of what a row can get wrong."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codes import Reason, Service
from streams.files_bytes import Origin, UsageFileError
from streams.files_fields import Events, Fault, field_names, read_frame

ORIGIN = Origin(Path("never-read"))
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

SMS = {
    "service": "sms",
    "source": "msc-1",
    "sequence": "1",
    "direction": "in",
    "started_at": "1793491200000000",
    "called_number": "4930",
}
SALE = {
    "service": "transaction",
    "source": "shop",
    "sequence": "1",
    "direction": "out",
    "started_at": "1793491200000000",
    "retail_currency": "EUR",
}


def frame_of(*rows: dict[str, Any]) -> pl.DataFrame:
    """Rows of text as a frame, numbered from 0."""
    names = ["service", *sorted({name for row in rows for name in row} - {"service"})]
    columns = [pl.Series("row", range(len(rows)), dtype=pl.Int64)]
    columns += [pl.Series(name, [row.get(name) for row in rows]) for name in names]
    return pl.DataFrame(columns)


def read(*rows: dict[str, Any], origin: Origin = ORIGIN) -> tuple[list[Events], list[Fault]]:
    """Rows of text, read."""
    return read_frame(frame_of(*rows), origin)


def value(name: str, given_row: dict[str, Any]) -> Any:  # noqa: ANN401 - any field's value
    """The one value that a row has for a field; None where the field was left out."""
    (events,), faults = read(given_row)
    assert faults == []
    if name not in events.columns:
        return None
    column = events.columns[name]
    return (column.cast("int64") if name.endswith("_at") else column)[0].as_py()


def fault(given_row: dict[str, Any]) -> str:
    """What is wrong with a row."""
    events, faults = read(given_row)
    assert sum(map(len, events)) == 0
    (found,) = faults
    assert (found.row, found.reason) == (0, Reason.UNREADABLE_LINE)
    return found.what


@pytest.mark.parametrize(
    ("text", "micros", "offset_minutes"),
    [
        ("1793491200000000", 1_793_491_200_000_000, None),
        ("2026-11-01T00:00:00Z", 1_793_491_200_000_000, 0),
        ("2026-11-01t00:00:00z", 1_793_491_200_000_000, 0),
        ("2026-11-01 00:00:00+00:00", 1_793_491_200_000_000, 0),
        # one o'clock in Berlin's winter is midnight UTC
        ("2026-11-01T01:00:00+01:00", 1_793_491_200_000_000, 60),
        # 20:30 the day before, three and a half hours behind
        ("2026-10-31T20:30:00-03:30", 1_793_491_200_000_000, -210),
        ("2026-11-01T05:45:00.5+05:45", 1_793_491_200_500_000, 345),
        ("2026-11-01T00:00:00.000001Z", 1_793_491_200_000_001, 0),
        ("2026-11-01T00:00:00.123456000Z", 1_793_491_200_123_456, 0),
        ("1969-12-31T23:59:59.999999Z", -1, 0),
        ("-1", -1, None),
    ],
)
def test_times_are_read_to_the_microsecond(
    text: str, micros: int, offset_minutes: int | None
) -> None:
    """RFC 3339 gives the instant and the offset, an integer the instant alone."""
    assert value("started_at", SMS | {"started_at": text}) == micros
    assert value("utc_offset_minutes", SMS | {"started_at": text}) == offset_minutes


def test_a_stated_offset_outweighs_that_of_the_time() -> None:
    """A file in UTC may still say what the clock on the wall showed."""
    said = SMS | {"started_at": "2026-11-01T00:00:00Z", "utc_offset_minutes": "120"}
    assert value("utc_offset_minutes", said) == 120


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-01T00:00:00",  # which hour of the day this is, nobody can tell
        "2026-11-01",
        "2026-02-30T00:00:00Z",
        "2026-11-01T24:00:00Z",
        "2026-11-01T00:61:00Z",
        "2026-11-01T00:00:00+0100",
        "2026-11-01T00:00:00.1234567Z",  # finer than microseconds
        "20261101T000000Z",
        "1793491200.5",
        "1.7e15",
        "NaN",
        "yesterday",
        "99999999999999999999",
    ],
)
def test_times_that_could_mean_anything_are_refused(text: str) -> None:
    """Nothing is guessed, nothing is cut off."""
    said = fault(SMS | {"started_at": text})
    assert said == (
        "`started_at` is neither RFC 3339 with an offset nor an integer number of microseconds: "
        f"{text!r}"
    )


@given(
    st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31)),  # noqa: DTZ001 - zones come beside
    st.integers(-14 * 60, 14 * 60),
)
def test_any_time_is_read_as_the_standard_library_reads_it(naive: datetime, offset: int) -> None:
    """Every date, every offset of whole minutes: the same instant and the same offset."""
    moment = naive.replace(tzinfo=timezone(timedelta(minutes=offset)))
    row = SMS | {"started_at": moment.isoformat()}
    assert value("started_at", row) == (moment - EPOCH) // timedelta(microseconds=1)
    assert value("utc_offset_minutes", row) == offset


@pytest.mark.parametrize(
    ("text", "micros"),
    [
        ("0", 0),
        ("12", 12_000_000),
        ("12.5", 12_500_000),
        ("0.000001", 1),
        ("-3.10", -3_100_000),
        ("-0.000001", -1),
        ("+1.5", 1_500_000),
        ("0.1000000000", 100_000),
        ("999999999999.999999", 999_999_999_999_999_999),
    ],
)
def test_amounts_are_read_from_their_digits(text: str, micros: int) -> None:
    """A decimal becomes millionths exactly; no float could hold the last of these."""
    assert value("retail_amount_micros", SALE | {"retail_amount": text}) == micros


@given(st.decimals(-(10**12) + 1, 10**12 - 1, places=6))
def test_any_amount_is_exact(amount: Decimal) -> None:
    """Every amount of six decimals is its millionths."""
    expected = int(amount.scaleb(6))
    assert value("retail_amount_micros", SALE | {"retail_amount": f"{amount:f}"}) == expected


@pytest.mark.parametrize(
    "text",
    ["NaN", "inf", "1e3", "1,5", "1.2345678", "1000000000000", ".5", "5.", "12 EUR", "--1", "٣"],
)
def test_amounts_that_are_no_decimals_are_refused(text: str) -> None:
    """Words, exponents, commas and digits that would be lost are not read as something else."""
    said = fault(SALE | {"retail_amount": text})
    assert said == f"`retail_amount` is not a decimal amount of at most 12 and 6 digits: {text!r}"


def test_an_amount_is_given_once() -> None:
    """Two amounts could differ, so both together are refused."""
    both = SALE | {"retail_amount": "1.00", "retail_amount_micros": "1000000"}
    assert (
        fault(both) == "`retail_amount` and `retail_amount_micros` are both given; give one: '1.00'"
    )
    assert value("retail_amount_micros", SALE | {"retail_amount_micros": "-70"}) == -70


def test_only_a_transaction_has_an_amount() -> None:
    """A message with a price is not what it seems to be."""
    assert fault(SMS | {"retail_amount": "1"}) == "`retail_amount` is no field of sms usage: '1'"


@pytest.mark.parametrize("text", ["x", "1.0", "1e3", "NaN", " 1", "1_000", "0x10", "٣", "true"])
def test_integers_are_digits_alone(text: str) -> None:
    """What a lenient reader would take for a number is refused."""
    assert fault(SMS | {"units": text}) == f"`units` is not an integer: {text!r}"


@pytest.mark.parametrize(("text", "number"), [("0", 0), ("-5", -5), ("007", 7), ("+3", 3)])
def test_integers_may_have_signs_and_zeros(text: str, number: int) -> None:
    """A negative quantity is readable; that it makes no sense is said later."""
    assert value("units", SMS | {"units": text}) == number


def test_numbers_beyond_their_field_are_refused() -> None:
    """Nothing wraps: 2^63 does not fit 64 bits, 2^31 does not fit 32."""
    assert value("units", SMS | {"units": str(2**63 - 1)}) == 2**63 - 1
    assert value("release_cause", SMS | {"release_cause": str(-(2**31))}) == -(2**31)
    said = fault(SMS | {"units": str(2**63)})
    assert said == "`units` does not fit 64 bits: '9223372036854775808'"
    said = fault(SMS | {"release_cause": str(2**31)})
    assert said == "`release_cause` does not fit 32 bits: '2147483648'"


def test_marks_and_directions_are_words() -> None:
    """Upper or lower case; `1` and `0` stand for true and false."""
    assert value("test", SMS | {"test": "TRUE"}) is True
    assert value("test", SMS | {"test": "0"}) is False
    assert value("direction", SMS | {"direction": "OUT"}) == "out"
    assert fault(SMS | {"test": "yes"}) == "`test` is neither `true` nor `false`: 'yes'"
    assert fault(SMS | {"direction": "up"}) == "`direction` is neither `in` nor `out`: 'up'"


def test_types_of_json_are_taken_where_they_fit() -> None:
    """A number of digits may come as an integer; a boolean is no number and no text."""
    typed = SMS | {"sequence": 7, "called_number": 4930, "test": True, "started_at": 5}
    (events,), faults = read(typed)
    assert faults == []
    assert events.columns["sequence"].to_pylist() == [7]
    assert events.columns["called_number"].to_pylist() == ["4930"]
    assert events.columns["test"].to_pylist() == [True]
    assert fault(SMS | {"sequence": True}) == "`sequence` is not an integer: 'True'"
    assert fault(SMS | {"started_at": False}) == "`started_at` is not an integer: 'False'"
    assert fault(SMS | {"source": True}) == "`source` is not text: 'True'"


def test_services_are_told_apart_and_unknown_ones_named() -> None:
    """Each family is read by its own fields; a service that nobody knows has its own reason."""
    nothing: dict[str, Any] = {"service": None}
    sale = SALE | {"retail_amount": "1"}
    events, faults = read(SMS, sale, SMS | {"service": "fax"}, SMS | nothing)
    assert [(e.service, len(e)) for e in events] == [(Service.SMS, 1), (Service.TRANSACTION, 1)]
    assert faults == [
        Fault(2, Reason.UNKNOWN_SERVICE, "`service` is not known: 'fax'"),
        Fault(3, Reason.UNREADABLE_LINE, "`service` is missing"),
    ]


@pytest.mark.parametrize("name", ["source", "direction", "started_at", "called_number"])
def test_a_required_field_may_not_be_missing(name: str) -> None:
    """Whether the column is absent or just empty, the row says which field it lacks."""
    lacking = {key: text for key, text in SMS.items() if key != name}
    assert fault(lacking) == f"`{name}` is missing"
    events, faults = read(SMS, SMS | {name: None})
    assert [len(e) for e in events] == [1]
    assert faults == [Fault(1, Reason.UNREADABLE_LINE, f"`{name}` is missing")]


def test_a_foreign_field_may_only_be_empty() -> None:
    """One header serves all families; a value where it cannot belong is a mistake."""
    events, faults = read(SMS | {"duration_ms": None}, SMS | {"duration_ms": "0"})
    assert [len(e) for e in events] == [1]
    assert faults == [
        Fault(1, Reason.UNREADABLE_LINE, "`duration_ms` is no field of sms usage: '0'")
    ]


def test_one_bad_row_does_not_touch_the_others() -> None:
    """A row keeps its first fault only, and the rest are read."""
    events, faults = read(
        SMS,
        SMS | {"units": "x", "epoch": "y"},
        SMS | {"sequence": "3", "units": "2"},
    )
    assert [f.row for f in faults] == [1]
    assert events[0].columns["sequence"].to_pylist() == [1, 3]
    assert events[0].columns["units"].to_pylist() == [1, 2]


def test_rows_without_ids_are_named_by_their_file_and_row(tmp_path: Path) -> None:
    """A row with a sequence or an event id keeps its own identity; another gets the file's."""
    path = tmp_path / "usage.csv"
    path.write_bytes(b"abc\n")
    # SHA-256 of "abc\n" begins edeaaff3f1774ad2.
    nameless = {"sequence": None, "event_id": None, "epoch": "4"}
    (events,), faults = read(
        SMS | {"event_id": None, "epoch": "5"},
        SMS | nameless,
        SMS | {"sequence": None, "event_id": "x", "epoch": "6"},
        SMS | nameless | {"source": None},
        origin=Origin(path),
    )
    assert faults == []
    lent = "file:edeaaff3f1774ad2"
    assert events.columns["source"].to_pylist() == ["msc-1", lent, "msc-1", lent]
    assert events.columns["sequence"].to_pylist() == [1, 1, None, 3]
    assert events.columns["epoch"].to_pylist() == [5, 0, 6, 0]
    assert events.columns["event_id"].to_pylist() == [None, None, "x", None]


def test_a_file_that_may_be_half_written_gives_no_ids(tmp_path: Path) -> None:
    """Its rows would count twice when the whole file comes."""
    path = tmp_path / "usage.csv"
    path.write_bytes(b"abc")
    with pytest.raises(UsageFileError, match="neither `sequence` nor `event_id`"):
        read({k: v for k, v in SMS.items() if k != "sequence"}, origin=Origin(path))


def test_every_field_has_a_column_name() -> None:
    """The names are those of all families, plus the service and the decimal amount."""
    names = field_names()
    assert {"service", "retail_amount", "source", "duration_ms", "ended_at"} <= names
    assert "row" not in names
