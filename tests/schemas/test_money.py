"""Exact money: text to integers and back, and rounding that agrees with exact fractions."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codes import RoundingMode
from schemas.money import (
    MoneyError,
    currency_exponent,
    format_micros,
    format_scaled,
    parse_column,
    parse_decimal,
    round_columns,
    round_ratio,
)

INT64 = st.integers(-(2**63), 2**63 - 1)
MODES = st.sampled_from(list(RoundingMode))


def exactly_rounded(value: Fraction, mode: RoundingMode) -> int:
    """Rounding as the modes are defined, on exact fractions and without cleverness."""
    lower, upper = math.floor(value), math.ceil(value)
    away = upper if value > 0 else lower
    toward = lower if value > 0 else upper
    if mode is RoundingMode.FLOOR or lower == upper:
        return lower
    if mode is RoundingMode.CEILING:
        return upper
    if mode in (RoundingMode.UP, RoundingMode.DOWN):
        return away if mode is RoundingMode.UP else toward
    if value - lower != Fraction(1, 2):
        return lower if value - lower < Fraction(1, 2) else upper
    even = lower if lower % 2 == 0 else upper
    return away if mode is RoundingMode.HALF_UP else even


def test_currencies_have_their_own_decimals() -> None:
    """Euros have cents, yen have none, Kuwaiti dinars have a thousand fils."""
    assert currency_exponent("EUR") == 2
    assert currency_exponent("JPY") == 0
    assert currency_exponent("KWD") == 3


def test_special_drawing_rights_are_a_currency() -> None:
    """Roaming and ITU accounts settle in SDR, to which ISO 4217 gives no decimals."""
    assert currency_exponent("XDR") == 2


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        ("eur", "write EUR in capitals"),
        ("EURO", "write its three letters, for example EUR"),
        ("XAU", "is not a currency one can be paid in"),
        ("", "write its three letters"),
    ],
)
def test_what_is_no_currency_is_refused(code: str, advice: str) -> None:
    """Small letters, inventions and gold are refused with what to write."""
    with pytest.raises(MoneyError, match=advice):
        currency_exponent(code)


def test_a_decimal_becomes_an_integer_of_its_scale() -> None:
    """Every decimal that fits is kept exactly, trailing zeros beyond the scale included."""
    assert parse_decimal("0.012", 9) == 12_000_000
    assert parse_decimal("-1.5", 6) == -1_500_000
    assert parse_decimal("7", 2) == 700
    assert parse_decimal("0.1000", 1) == 1


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("0.0000000001", "has more than 9 decimals; write at most 9"),
        ("1,5", "write a point for the decimals"),
        ("1e-3", "without an exponent"),
        (" 1", "remove the spaces"),
        (".5", "on both sides of the point"),
        ("NaN", 'for example "0.012"'),
        ("٣", "is not a decimal number"),
        ("1_000", "is not a decimal number"),
        ("1" * 41, "is not a decimal number"),
        ("", "is not a decimal number"),
    ],
)
def test_what_is_no_exact_decimal_is_refused(text: str, advice: str) -> None:
    """Nothing is rounded or guessed: the message says what to write instead."""
    with pytest.raises(MoneyError, match=advice):
        parse_decimal(text, 9)


def test_micros_keep_their_six_decimals() -> None:
    """Amounts line up in a column, so trailing zeros stay."""
    assert format_micros(1_500_000) == "1.500000"
    assert format_micros(-1) == "-0.000001"
    assert format_micros(0) == "0.000000"
    assert format_scaled(12, 3) == "0.012"
    assert format_scaled(-12, 0) == "-12"


@given(st.integers(-(10**20), 10**20), st.integers(0, 9))
def test_an_amount_survives_being_written_and_read(value: int, scale: int) -> None:
    """Formatting and parsing are inverse, and say what Decimal says."""
    text = format_scaled(value, scale)
    assert parse_decimal(text, scale) == value
    assert Decimal(text) == Decimal(value).scaleb(-scale)


def read_alone(text: str) -> int | None:
    """What the reader of single amounts makes of a text, within the range of the column form."""
    try:
        value = parse_decimal(text, 9)
    except MoneyError:
        return None
    whole = text.partition(".")[0]
    return value if len(whole) <= 9 and whole.isdigit() else None


@given(st.lists(st.from_regex(r"-?[0-9]{0,12}(\.[0-9]{0,12})?", fullmatch=True)))
def test_a_column_of_amounts_is_read_like_single_ones(texts: list[str]) -> None:
    """The column form gives what the single form gives, and null for the rest."""
    column = parse_column(pl.Series(texts, dtype=pl.String), 9)
    assert column.to_list() == [read_alone(text) for text in texts]


@pytest.mark.parametrize(
    ("mode", "rounded"),
    [
        # -2.5, -1.5, -0.4, 0.4, 1.5, 2.5
        (RoundingMode.HALF_UP, [-3, -2, 0, 0, 2, 3]),
        (RoundingMode.HALF_EVEN, [-2, -2, 0, 0, 2, 2]),
        (RoundingMode.UP, [-3, -2, -1, 1, 2, 3]),
        (RoundingMode.DOWN, [-2, -1, 0, 0, 1, 2]),
        (RoundingMode.CEILING, [-2, -1, 0, 1, 2, 3]),
        (RoundingMode.FLOOR, [-3, -2, -1, 0, 1, 2]),
    ],
)
def test_each_mode_rounds_as_its_name_says(mode: RoundingMode, rounded: list[int]) -> None:
    """Halves, and the same distance on both sides of zero, in every mode."""
    tenths = [-25, -15, -4, 4, 15, 25]
    assert [round_ratio(tenth, 10, mode) for tenth in tenths] == rounded
    assert round_columns(np.array(tenths, np.int64), 10, mode).tolist() == rounded


@given(st.integers(), st.integers(min_value=1), MODES)
def test_a_ratio_of_any_size_is_rounded_exactly(
    numerator: int, denominator: int, mode: RoundingMode
) -> None:
    """Python integers never overflow, so nor does the rounding of a period's sum."""
    wanted = exactly_rounded(Fraction(numerator, denominator), mode)
    assert round_ratio(numerator, denominator, mode) == wanted


@given(st.lists(st.tuples(INT64, st.integers(1, 2**63 - 1))), MODES)
def test_columns_are_rounded_like_fractions(
    ratios: list[tuple[int, int]], mode: RoundingMode
) -> None:
    """Every int64 numerator over every positive int64 denominator, the extremes included."""
    numerator = np.array([ratio[0] for ratio in ratios], np.int64)
    denominator = np.array([ratio[1] for ratio in ratios], np.int64)
    wanted = [exactly_rounded(Fraction(*ratio), mode) for ratio in ratios]
    assert round_columns(numerator, denominator, mode).tolist() == wanted


@given(st.lists(INT64), st.integers(1, 2**63 - 1), MODES)
def test_columns_may_share_a_denominator(
    numerators: list[int], denominator: int, mode: RoundingMode
) -> None:
    """One denominator for all rows gives what a column of it gives."""
    wanted = [exactly_rounded(Fraction(numerator, denominator), mode) for numerator in numerators]
    rounded = round_columns(np.array(numerators, np.int64), denominator, mode)
    assert rounded.dtype == np.int64
    assert rounded.tolist() == wanted


def test_a_denominator_is_positive() -> None:
    """A ratio over nothing is our mistake, not the user's, and stops."""
    with pytest.raises(ValueError, match="Invariant"):
        round_ratio(1, 0, RoundingMode.UP)
    with pytest.raises(ValueError, match="Invariant"):
        round_columns(np.array([1, 1]), np.array([1, -1]), RoundingMode.UP)
