"""The oracle's reading of payment terms: tax, settlement in another currency, tolerance, rates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from ops.oracle_files import exact, mapping, rows

# ISO 4217 currencies whose smallest unit is not a hundredth.
WHOLE = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split()  # noqa: SIM905
THOUSANDTHS = "BHD IQD JOD KWD LYD OMR TND".split()  # noqa: SIM905
TEN_THOUSANDTHS = "CLF UYW".split()  # noqa: SIM905

Rates = Mapping[tuple[str, str, str], Mapping[str, Fraction]]  # source, base, quote; day


@dataclass(frozen=True)
class Settle:
    """What totals are paid in: currency, source of rates, the day that counts, and rounding."""

    currency: str
    source: str
    on: str
    mode: str
    decimals: int


@dataclass(frozen=True)
class Tolerance:
    """How far a declared figure may be from ours; a limit that is not said is None."""

    share: Fraction | None
    absolute: Fraction | None
    rule: str
    basis: str


@dataclass(frozen=True)
class Payment:
    """What a version says of paying: tax as a part of one, settlement and tolerance."""

    tax: Fraction | None = None
    settle: Settle | None = None
    tolerance: Tolerance | None = None


def decimals_of(written: object, currency: str) -> int:
    """A number of decimals; the word `currency` means as many as its smallest unit has."""
    if str(written) != "currency":
        return int(str(written))
    special = ((WHOLE, 0), (THOUSANDTHS, 3), (TEN_THOUSANDTHS, 4))
    return next((places for codes, places in special if currency in codes), 2)


def read_payment(entry: Mapping[str, object]) -> Payment:
    """The payment terms of an agreement version."""
    tax = entry.get("tax")
    return Payment(
        exact(mapping(tax)["percent"]) / 100 if tax else None,
        _settle(mapping(entry["settle_in"])) if entry.get("settle_in") else None,
        _tolerance(mapping(entry["tolerance"])) if entry.get("tolerance") else None,
    )


def _settle(entry: Mapping[str, object]) -> Settle:
    currency = str(entry["currency"])
    return Settle(
        currency,
        str(entry["source"]),
        str(entry.get("on", "period_end")),
        str(entry.get("mode", "half_up")),
        decimals_of(entry.get("decimals", "currency"), currency),
    )


def _tolerance(entry: Mapping[str, object]) -> Tolerance:
    return Tolerance(
        exact(entry["percent"]) / 100 if "percent" in entry else None,
        exact(entry["absolute"]) if "absolute" in entry else None,
        str(entry.get("rule", "both")),
        str(entry.get("basis", "own")),
    )


def read_rates(file: Path) -> Rates:
    """The rates of exchange; there need not be any."""
    found: dict[tuple[str, str, str], dict[str, Fraction]] = {}
    for row in rows(file) if file.exists() else ():
        pair = (row["source"], row["base"], row["quote"])
        found.setdefault(pair, {})[row["date"]] = exact(row["rate"])
    return found
