"""What must hold between the payment terms of a version and the rest of the reference."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from schemas.agreements import Agreement
from schemas.documents import Finding
from schemas.fx import FILE, Pair


def check_payment(agreement: Agreement) -> Iterator[Finding]:
    """A conversion is to another currency, and a tolerance says how much."""
    for number, version in enumerate(agreement.versions):
        here = ("versions", number)
        if version.settle_in is not None and version.settle_in.currency == version.currency:
            message = f"{version.currency} is the currency of the prices too; remove settle_in"
            yield (*here, "settle_in", "currency"), message
        tolerance = version.tolerance
        if tolerance is None:
            continue
        said = [tolerance.percent_nanos is not None, tolerance.absolute_micros is not None]
        if not any(said):
            yield (*here, "tolerance"), "allows nothing; write percent, absolute or both"
        if not all(said) and "rule" in tolerance.model_fields_set:
            message = "is for percent and absolute together; write both or remove it"
            yield (*here, "tolerance", "rule"), message
        if tolerance.percent_nanos is None and "basis" in tolerance.model_fields_set:
            yield (*here, "tolerance", "basis"), "is what percent is of; add percent or remove it"


def check_rates_known(agreement: Agreement, pairs: Collection[Pair]) -> Iterator[Finding]:
    """A source gives some rate for the currencies; that of a day may still be missing."""
    for number, version in enumerate(agreement.versions):
        asked = version.settle_in
        if asked is None or asked.currency == version.currency:
            continue
        if (asked.source, version.currency, asked.currency) not in pairs:
            what = f"no rate of {asked.source} for {version.currency}/{asked.currency}"
            yield ("versions", number, "settle_in"), f"{what} is in {FILE}; add it there"
