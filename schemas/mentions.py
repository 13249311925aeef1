"""What agreements mention: decks, keys, characteristics and time bands, which must be there.

The terms of an agreement are checked against each other in `schemas/terms.py`. Here they are held
against the rest of the reference: whatever an item names has to stand in its file, and to fit.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from schemas import characteristics, keys
from schemas.agreements import Agreement
from schemas.bands import (
    BANDS_FILE,
    BandPlan,
    condition_findings,
    deck_findings,
    rates_findings,
)
from schemas.caps import Cap
from schemas.decks import Deck
from schemas.documents import Finding
from schemas.fx import Pair
from schemas.selectors import CALLING_DIGITS_MAX
from schemas.terms import banded_items, deck_items, deck_prices, findings
from schemas.terms_payment import check_rates_known
from schemas.terms_selectors import (
    band_conditions,
    calling_decks,
    characteristic_conditions,
    key_conditions,
)


@dataclass(frozen=True)
class Known:
    """What agreements may name; `keys` is None where they could not be read.

    `decks` are those whose rates are right; a cap or a plan of time bands that could not is None.
    """

    deck_names: Collection[str]
    decks: Mapping[str, Deck]
    keys: Collection[str] | None
    caps: Mapping[str, Cap | None]
    characteristics: Collection[str]
    plans: Mapping[str, BandPlan | None]
    rates: Collection[Pair] = ()


def agreement_findings(agreement: Agreement, known: Known) -> Iterator[Finding]:
    """What is wrong with the terms of an agreement, and with what they name."""
    yield from findings(agreement)
    for path, deck in deck_items(agreement):
        if deck not in known.deck_names:
            yield path, f"there is no deck {deck!r}; add decks/{deck}.prefixes.csv and .rates.csv"
    for path, deck in calling_decks(agreement):
        prefix = known.decks[deck].longest_prefix if deck in known.decks else ""
        if len(prefix) > CALLING_DIGITS_MAX:
            told = f"{prefix!r} of deck {deck!r} is longer than {CALLING_DIGITS_MAX} digits"
            yield path, f"{told}, all that suspense keeps of a caller; write it with fewer digits"
    for path, name in characteristic_conditions(agreement):
        if name not in known.characteristics:
            yield path, f"is given to no key in {characteristics.FILE}; add it there"
    for path, key in key_conditions(agreement):
        if known.keys is not None and key not in known.keys:
            yield path, f"{key!r} is not in {keys.FILE}; add it there"
    yield from _banded(agreement, known)
    yield from check_rates_known(agreement, known.rates)


def _banded(agreement: Agreement, known: Known) -> Iterator[Finding]:
    """Prices by time band against their plans; a plan that is wrong itself has been noted."""
    plans = {name: plan for name, plan in known.plans.items() if plan is not None}
    named = [((*path, "of"), rates.plan) for path, rates in banded_items(agreement)]
    for path, rates in banded_items(agreement):
        if rates.plan in plans:
            inner = rates_findings(rates, plans[rates.plan])
            yield from (((*path, *place), message) for place, message in inner)
    for path, price in deck_prices(agreement):
        if price.bands is not None:
            named.append(((*path, "bands", "of"), price.bands.plan))
        if price.deck in known.decks:
            inner = deck_findings(price, known.decks[price.deck].bands, plans)
            yield from (((*path, *place), message) for place, message in inner)
    for path, condition in band_conditions(agreement):
        named.append(((*path, "of"), condition.plan))
        if condition.plan in plans:
            inner = condition_findings(condition, plans[condition.plan])
            yield from (((*path, *place), message) for place, message in inner)
    for path, plan in named:
        if plan not in known.plans:
            yield path, f"there are no bands {plan!r}; add them to {BANDS_FILE}"
