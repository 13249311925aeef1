"""Reference as the hot path reads it: names become codes, and codes index columns.

Rating a batch must not touch a Python object per event. So a reference is compiled, off the loop,
to dense integer codes for keys, agreements, versions, items, decks, zones and rates, with numpy
columns indexed by them: a batch of a hundred thousand events is then attributed and rated by a few
dozen gathers. Tables are never changed; when reference changes, new ones are built and swapped in
whole.

`NONE` in a column of codes says that there is nothing; `OWN`, among agreements only, that the key
belongs to the operator itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from schemas.caps import Cap
from schemas.fx import Fx
from schemas.reference import Reference
from state.band_conditions import BandConditions
from state.bands import Bands, lay_out
from state.calendar import Periods
from state.choices import Choices, build_choices
from state.decks import DeckTables, build_decks
from state.items import NONE, ItemInfo
from state.keys import OWN, KeyColumns, build_keys
from state.prefixes import Prefixes
from state.rates import Rates, own_lines
from state.special import Special
from state.splits import Splits
from state.terms import AgreementInfo, VersionInfo, build_terms
from state.territories import Territories
from state.versions import AsOf

__all__ = [
    "NONE",
    "OWN",
    "AgreementInfo",
    "DeckTables",
    "ItemInfo",
    "Tables",
    "VersionInfo",
    "build",
]

Int8 = npt.NDArray[np.int8]
Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Tables:
    """One reference, compiled.

    `keys` is indexed by `KeyKind` and maps the names of that kind to key codes (`key_columns` are
    the same as columns); number and IMSI ranges are tables 0 and 1 of `ranges` instead.
    `assignment` gives a key code's agreement at a second, `in_test` whether an agreement's partner
    is, `version_of` an agreement's version row, `item_of` a version's item row by role, service and
    direction. The columns that begin with `version_` have a row per version, those that begin with
    `item_` a row per item; `items` and `versions` say the same in words. Where items compete,
    `item_of` names a group of `choices` instead, see `state.terms.TermTables`.
    `item_line` is an item's rate line among `rates`, where no deck says it. An item priced by time
    band has its plan at `item_bands` among `bands` (else NO_BANDS), and a line for each band.
    """

    reference_id: str
    keys: tuple[Mapping[str, int], ...]
    key_columns: tuple[KeyColumns, ...]
    ranges: Prefixes
    assignment: AsOf
    key_names: tuple[str, ...]
    agreements: tuple[AgreementInfo, ...]
    in_test: Bools
    partners: tuple[str, ...]
    version_of: AsOf
    versions: tuple[VersionInfo, ...]
    calendars: tuple[Periods, ...]
    version_calendar: Int32
    version_agreement: Int32
    version_currency: Int32
    version_upto_s: Int64
    territories: Territories
    currencies: tuple[str, ...]
    item_of: Int32
    choices: Choices
    items: tuple[ItemInfo, ...]
    deals: tuple[ItemInfo, ...]
    item_version: Int32
    item_kind: Int8
    item_flow: Int8
    item_quantity: Int8
    item_unit: Int64
    item_quantity_max: Int64
    item_line: Int32
    item_bands: Int32
    item_split: Int8
    item_deck: Int32
    item_number: Int8
    item_place: Int8
    item_mode: Int8
    item_decimals: Int8
    item_currency: Int32
    decks: DeckTables
    rates: Rates
    special: Special
    splits: Splits
    bands: tuple[Bands, ...]
    caps: Mapping[str, Cap]
    rates_of_exchange: Fx


def build(reference: Reference) -> Tables:
    """Compile a checked reference."""
    partners = {partner.partner: code for code, partner in enumerate(reference.partners)}
    decks = {deck.name: code for code, deck in enumerate(reference.decks)}
    terms = build_terms(reference.agreements, partners, decks)
    keys = build_keys(reference.attribution, [a.agreement for a in reference.agreements])
    key_codes = {name: code for code, name in enumerate(keys.key_names)}
    versions, items = terms.versions, terms.items
    of_item = [versions[item.version_row] for item in items]
    own, item_line = own_lines(items)
    bands, item_bands, conditions = _bands(reference, items, versions)
    deck_tables, deck_lines = build_decks(reference.decks, len(own))
    return Tables(
        reference_id=reference.reference_id,
        keys=keys.names,
        key_columns=keys.columns,
        ranges=keys.ranges,
        assignment=keys.assignment,
        key_names=keys.key_names,
        agreements=terms.agreements,
        in_test=_in_test(reference),
        partners=tuple(partners),
        version_of=terms.version_of,
        versions=versions,
        calendars=terms.calendars,
        version_calendar=np.array([version.calendar for version in versions], np.int32),
        version_agreement=np.array([version.agreement for version in versions], np.int32),
        version_upto_s=np.array([version.valid_upto_s for version in versions], np.int64),
        version_currency=np.array([version.currency_code for version in versions], np.int32),
        territories=Territories.of(versions),
        currencies=terms.currencies,
        item_of=terms.item_of,
        choices=build_choices(
            items, terms.groups, key_codes, reference.characteristics, conditions
        ),
        items=items,
        deals=terms.deals,
        item_version=np.array([item.version_row for item in items], np.int32),
        item_kind=np.array([item.price_kind for item in items], np.int8),
        item_flow=np.array([item.flow for item in items], np.int8),
        item_quantity=np.array([item.quantity for item in items], np.int8),
        item_unit=np.array([item.unit for item in items], np.int64),
        item_quantity_max=np.array([item.quantity_max for item in items], np.int64),
        item_line=item_line,
        item_bands=item_bands,
        item_split=np.array([i.bands.split if i.bands else 0 for i in items], np.int8),
        item_deck=np.array([item.deck for item in items], np.int32),
        item_number=np.array([item.number for item in items], np.int8),
        item_place=np.array([version.rounding_place for version in of_item], np.int8),
        item_mode=np.array([version.rounding_mode for version in of_item], np.int8),
        item_decimals=np.array([version.decimals for version in of_item], np.int8),
        item_currency=np.array([version.currency_code for version in of_item], np.int32),
        decks=deck_tables,
        rates=own.followed_by(deck_lines),
        special=Special.of(items),
        splits=Splits.of(items, versions, [a.name for a in terms.agreements]),
        bands=bands,
        caps=reference.caps,
        rates_of_exchange=reference.rates,
    )


def _in_test(reference: Reference) -> Bools:
    """Which agreements are of a partner in test, by their codes."""
    tried = {partner.partner for partner in reference.partners if partner.test}
    return np.array([agreement.partner in tried for agreement in reference.agreements], bool)


def _wanted(
    items: Sequence[ItemInfo], versions: Sequence[VersionInfo]
) -> list[tuple[str, str] | None]:
    """The plan of time bands that each item is priced by, and the zone of its clock."""
    return [(i.bands.plan, versions[i.version_row].zone) if i.bands else None for i in items]


def _bands(
    reference: Reference, items: Sequence[ItemInfo], versions: Sequence[VersionInfo]
) -> tuple[tuple[Bands, ...], Int32, BandConditions]:
    """All time bands, those that each item is priced by, and those that items are for."""
    wanted = [*_wanted(items, versions), *_asked(items, versions)]
    bands, plan_of = lay_out(reference.bands, reference.holidays, wanted)
    item_bands, asked = np.split(plan_of, [len(items)])
    return bands, item_bands, BandConditions.of(items, asked, bands)


def _asked(
    items: Sequence[ItemInfo], versions: Sequence[VersionInfo]
) -> list[tuple[str, str] | None]:
    """The plan that each item has a condition on, and the zone of its clock."""
    return [
        (i.where.band.plan, versions[i.version_row].zone) if i.where and i.where.band else None
        for i in items
    ]
