"""Exact money: integers at a stated scale, never a floating-point number.

An amount is an integer with its scale in its name: `charge_micros` counts millionths of a currency
unit, `price_nanos` thousand-millionths. Text becomes such an integer only if every decimal fits,
and becomes text again with all its decimals, so nothing is gained or lost on the way. Rounding
happens in one place and on exact ratios: a numerator over a positive denominator, by the mode
which the agreement states. One function rounds a single ratio of any size, its twin whole columns
of int64.
"""

from __future__ import annotations

import re
from functools import cache

import numpy as np
import numpy.typing as npt
import polars as pl
from iso4217 import Currency

from schemas.codes import RoundingMode

MICROS_DECIMALS = 6
NANOS_DECIMALS = 9
MICROS: int = 10**MICROS_DECIMALS
NANOS: int = 10**NANOS_DECIMALS

# A thousand million: what costs more in one event has a price or a quantity that is a mistake.
CHARGE_MICROS_MAX = 10**9 * MICROS

# Longer texts are not money but a mistake; the limit also keeps int() cheap on hostile input.
TEXT_LENGTH_MAX = 40

# ISO 4217 gives these no minor unit. Operators do settle in special drawing rights, in the ITU's
# accounts and in roaming; two decimals is how such statements are written.
_SDR = "XDR"
_SDR_EXPONENT = 2

_DECIMAL = re.compile(r"(-?)([0-9]+)(?:\.([0-9]+))?", re.ASCII)

Int64 = npt.NDArray[np.int64]


class MoneyError(ValueError):
    """A text that is not an exact amount or not a currency; the sentence says what to do."""


@cache
def currency_exponent(code: str) -> int:
    """The number of decimals of this currency's smallest unit: EUR 2, JPY 0, KWD 3."""
    if code == _SDR:
        return _SDR_EXPONENT
    # The library also knows every code in small letters, which the standard does not.
    currency = Currency.__members__.get(code) if code.isupper() else None
    if currency is None and code.upper() in Currency.__members__:
        message = f"{code!r} is not an ISO 4217 currency; write {code.upper()} in capitals"
        raise MoneyError(message)
    if currency is None:
        message = f"{code!r} is not an ISO 4217 currency; write its three letters, for example EUR"
        raise MoneyError(message)
    exponent = currency.exponent
    if exponent is None:
        message = f"{code!r} is not a currency one can be paid in; write for example EUR"
        raise MoneyError(message)
    return int(exponent)


def parse_decimal(text: str, scale: int) -> int:
    """The decimal in `text` as an integer of `scale` decimals: ("0.012", 9) is 12,000,000.

    More decimals than `scale` are refused unless they are zeros, because rounding a price silently
    changes what somebody owes.
    """
    matched = _DECIMAL.fullmatch(text) if len(text) <= TEXT_LENGTH_MAX else None
    if matched is None:
        message = f"{text[:TEXT_LENGTH_MAX]!r} is not a decimal number; {_advice(text)}"
        raise MoneyError(message)
    sign, whole, fraction = matched.group(1), matched.group(2), matched.group(3) or ""
    kept, dropped = fraction[:scale], fraction[scale:]
    if dropped.strip("0"):
        message = f"{text!r} has more than {scale} decimals; write at most {scale}"
        raise MoneyError(message)
    value = int(whole + kept.ljust(scale, "0"))
    return -value if sign else value


def parse_column(texts: pl.Series, scale: int) -> pl.Series:
    """The column form of `parse_decimal` for amounts of 0 up to 10^9: null where it would refuse.

    A null tells only that a text is not such an amount: ask `parse_decimal` for the reason.
    """
    amount = rf"^[0-9]{{1,9}}(\.[0-9]{{0,{scale - 1}}}[0-9]0*)?$"
    text = pl.when(pl.col("text").str.contains(amount)).then(pl.col("text"))
    fraction = text.str.extract(r"\.([0-9]+)$").fill_null("0").str.slice(0, scale)
    value = text.str.extract(r"^([0-9]+)").cast(pl.Int64) * 10**scale
    value += fraction.str.pad_end(scale, "0").cast(pl.Int64)
    return pl.DataFrame({"text": texts}).select(value=value)["value"]


def _advice(text: str) -> str:
    """What to write instead of this text."""
    if "," in text:
        return "write a point for the decimals and nothing between thousands"
    if re.fullmatch(r"[0-9.+-]+[eE][0-9+-]+", text):
        return "write it out without an exponent"
    if text != text.strip() or " " in text:
        return "remove the spaces"
    if re.fullmatch(r"-?\.[0-9]+|-?[0-9]+\.", text):
        return 'write digits on both sides of the point, for example "0.5"'
    return 'write digits and at most one point, for example "0.012"'


def format_scaled(value: int, scale: int) -> str:
    """An integer of `scale` decimals as decimal text with all of them: (12, 3) is "0.012"."""
    digits = str(abs(value)).rjust(scale + 1, "0")
    sign = "-" if value < 0 else ""
    if scale == 0:
        return sign + digits
    return f"{sign}{digits[:-scale]}.{digits[-scale:]}"


def format_micros(micros: int) -> str:
    """Micros as decimal text, always with six decimals: 1_500_000 is "1.500000"."""
    return format_scaled(micros, MICROS_DECIMALS)


def round_ratio(numerator: int, denominator: int, mode: RoundingMode) -> int:
    """The integer that numerator / denominator is rounded to, by `mode`, at any size."""
    if denominator <= 0:
        message = f"Invariant: a ratio has a positive denominator, not {denominator}"
        raise ValueError(message)
    floor, rest = divmod(numerator, denominator)
    if rest == 0:
        return floor
    return floor + int(_goes_up(floor, 2 * rest - denominator, mode))


def _goes_up(floor: int, above_half: int, mode: RoundingMode) -> bool:
    """Whether a ratio strictly between `floor` and the next integer is rounded to the latter.

    `above_half` is negative, zero or positive as the ratio lies below, on or above the middle. A
    negative `floor` means a negative ratio, whose neighbour nearer to zero is the upper one.
    """
    negative = floor < 0
    match mode:
        case RoundingMode.FLOOR:
            return False
        case RoundingMode.CEILING:
            return True
        case RoundingMode.UP:
            return not negative
        case RoundingMode.DOWN:
            return negative
        case RoundingMode.HALF_UP:
            return above_half > 0 or (above_half == 0 and not negative)
        case RoundingMode.HALF_EVEN:
            return above_half > 0 or (above_half == 0 and floor % 2 == 1)


def round_columns(numerator: Int64, denominator: Int64 | int, mode: RoundingMode) -> Int64:
    """`round_ratio` for whole columns; the denominators are positive."""
    if numerator.size == 0:
        return np.zeros(0, np.int64)
    if np.min(denominator) <= 0:
        message = "Invariant: every ratio has a positive denominator"
        raise ValueError(message)
    floor = np.floor_divide(numerator, denominator)
    rest = numerator - floor * denominator
    if mode is RoundingMode.FLOOR:
        return floor
    inexact = rest > 0
    match mode:
        case RoundingMode.CEILING:
            up = inexact
        case RoundingMode.UP:
            up = inexact & (floor >= 0)
        case RoundingMode.DOWN:
            up = inexact & (floor < 0)
        case RoundingMode.HALF_UP | RoundingMode.HALF_EVEN:
            # `denominator - rest` cannot overflow where `2 * rest` could.
            other = denominator - rest
            tie_goes_up = floor >= 0 if mode is RoundingMode.HALF_UP else (floor & 1) == 1
            up = (rest > other) | ((rest == other) & tie_goes_up)
    return floor + up
