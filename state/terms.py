"""Agreements, versions and items on the hot path, each with a dense code and a row of columns.

An agreement's code and a second give the row of the version in force; version, role, service and
direction give the row of the item; the item's row gives everything that rating needs, as columns.
The `Info` records say the same to people and to code that handles few of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from schemas.agreements import Agreement, Version
from schemas.codes import (
    Direction,
    Model,
    Role,
    RoundingMode,
    RoundingPlace,
    Service,
)
from schemas.payment import SettleIn, Tax, Tolerance
from schemas.prices import ReceivedPrice
from schemas.territory import Territory
from state.calendar import Periods
from state.curves import QUANTITY_MAX
from state.deals import quantity_most
from state.items import NONE, ItemInfo, deal_infos, item_info
from state.versions import AsOf

CONTESTED = -2
"""In `item_of`: the first group of candidates; the groups that follow count down from it."""

Int32 = npt.NDArray[np.int32]
Usage = tuple[int, Role, Service, Direction]  # what an item of a version row covers


@dataclass(frozen=True)
class AgreementInfo:
    """An agreement; its `pool` is the key that it is partitioned by, by default its own name."""

    name: str
    partner: str
    model: Model
    pool: str
    partner_code: int


@dataclass(frozen=True)
class VersionInfo:
    """One version of an agreement, by its code; `calendar` numbers the distinct `periods`."""

    agreement: int
    version: int
    valid_from_s: int
    valid_upto_s: int
    currency: str
    currency_code: int
    zone: str
    periods: Periods
    calendar: int
    rounding_place: RoundingPlace
    rounding_mode: RoundingMode
    decimals: int
    tax: Tax | None = None
    settle_in: SettleIn | None = None
    tolerance: Tolerance | None = None
    territory: Territory | None = None


@dataclass(frozen=True)
class TermTables:
    """What agreements say, in code order.

    Where one item without conditions covers usage, `item_of` is its row; where there are several,
    or one that has conditions, it is `CONTESTED` less the index in `groups` of the candidates, item
    rows in the order of the version.
    """

    agreements: tuple[AgreementInfo, ...]
    version_of: AsOf
    versions: tuple[VersionInfo, ...]
    calendars: tuple[Periods, ...]
    currencies: tuple[str, ...]
    item_of: Int32
    items: tuple[ItemInfo, ...]
    groups: tuple[tuple[int, ...], ...]
    deals: tuple[ItemInfo, ...]


def build_terms(
    agreements: Sequence[Agreement], partners: Mapping[str, int], decks: Mapping[str, int]
) -> TermTables:
    """The tables of these agreements, given the codes of partners and decks."""
    currencies: dict[str, int] = {}
    calendars: dict[Periods, int] = {}
    versions: list[VersionInfo] = []
    items: list[ItemInfo] = []
    covered: dict[Usage, list[int]] = defaultdict(list)
    deals: list[ItemInfo] = []
    for code, agreement in enumerate(agreements):
        for version in agreement.versions:
            row = len(versions)
            versions.append(_version_info(code, version, currencies, calendars))
            known = {item.item: item for item in version.items}
            for item in version.items:
                received = isinstance(item.price, ReceivedPrice)
                for direction in () if received else item.directions:
                    covered[row, item.role, item.service, direction].append(len(items))
                info = item_info(row, item, decks, known)
                most = quantity_most(item.item, version.deals)
                items.append(info if most == QUANTITY_MAX else replace(info, quantity_most=most))
            for deal in version.deals:
                deals.extend(deal_infos(row, deal, known))
    item_of = np.full((len(versions), len(Role), len(Service), len(Direction)), NONE, np.int32)
    groups: dict[tuple[int, ...], int] = {}
    for usage, rows in covered.items():
        is_alone = len(rows) == 1 and not items[rows[0]].is_selective
        item_of[usage] = (
            rows[0] if is_alone else CONTESTED - groups.setdefault((*rows,), len(groups))
        )
    return TermTables(
        agreements=tuple(_agreement_info(agreement, partners) for agreement in agreements),
        version_of=AsOf.build(
            [version.agreement for version in versions],
            [version.valid_from_s for version in versions],
            [version.valid_upto_s for version in versions],
            np.arange(len(versions)),
            len(agreements),
        ),
        versions=tuple(versions),
        calendars=tuple(calendars),
        currencies=tuple(currencies),
        item_of=item_of,
        items=tuple(items),
        groups=tuple(groups),
        deals=tuple(deals),
    )


def _agreement_info(agreement: Agreement, partners: Mapping[str, int]) -> AgreementInfo:
    """An agreement as people see it."""
    return AgreementInfo(
        agreement.agreement,
        agreement.partner,
        agreement.model,
        agreement.pool or agreement.agreement,
        partners[agreement.partner],
    )


def _version_info(
    agreement: int, version: Version, currencies: dict[str, int], calendars: dict[Periods, int]
) -> VersionInfo:
    """A version; its currency and calendar get the next code when they are new."""
    periods = Periods.of(version.zone, version.period)
    return VersionInfo(
        agreement=agreement,
        version=version.version,
        valid_from_s=version.valid_from_s,
        valid_upto_s=version.valid_upto_s,
        currency=version.currency,
        currency_code=currencies.setdefault(version.currency, len(currencies)),
        zone=version.zone,
        periods=periods,
        calendar=calendars.setdefault(periods, len(calendars)),
        rounding_place=version.rounding.place,
        rounding_mode=version.rounding.mode,
        decimals=version.decimals,
        tax=version.tax,
        settle_in=version.settle_in,
        tolerance=version.tolerance,
        territory=version.territory,
    )
