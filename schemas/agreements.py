"""Agreements: what two parties have agreed, in versions, items and prices.

An agreement belongs to one partner and follows a commercial model. Its terms are *versions* that
succeed each other without gap, each with its zone, currency, period and rounding. A version prices
usage by *items*: for a role, service and direction and, where several share these, under conditions
(`schemas/selectors.py`), with a flow (who owes whom) and a price (`schemas/prices.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Field,
    field_validator,
)

from schemas.allowance import Allowance
from schemas.clawback import Clawback
from schemas.codes import Direction, Flow, Model, Role, RoundingMode, RoundingPlace, Service
from schemas.counts import Count
from schemas.deals import DEAL_MODELS, Deal
from schemas.documents import Path
from schemas.fields import (
    TRUTH,
    Name,
    Strict,
    Valid,
    currency_code,
    one_of,
    read_text,
    whole,
    word_of,
)
from schemas.measures import Measure
from schemas.moments import OPEN_UPTO_S, check_zone
from schemas.partners import Partner
from schemas.payment import Decimals, SettleIn, Tax, Tolerance, decimals_of
from schemas.prices import PRICE_MODELS, Price
from schemas.selectors import Where
from schemas.splits import SPLIT_MODELS, Split
from schemas.territory import Territory

OWN_NAME = "own"


def _agreement_name(text: str) -> str:
    """A name which is not the word that means nobody."""
    if text == OWN_NAME:
        raise ValueError(f"{OWN_NAME!r} means the operator itself; choose another name")
    return text


# What the words of some fields mean.
DIRECTIONS = {"in": (Direction.IN,), "out": (Direction.OUT,), "any": tuple(Direction)}
PERIODS = {"month": "month", "day": "day"}


class Item(Strict):
    """What a version charges for one service in one role, and who owes it.

    A surcharge is added to what another item charges; the others compete (`schemas/selectors.py`).
    """

    item: Name
    role: Annotated[Role, one_of(Role)]
    service: Annotated[Service, one_of(Service)]
    directions: Annotated[tuple[Direction, ...], word_of(DIRECTIONS)] = Field(
        alias="direction", default=tuple(Direction)
    )
    flow: Annotated[Flow, one_of(Flow)]
    count: Count | None = None
    where: Where | None = None
    surcharge: Annotated[bool, word_of(TRUTH)] = False
    regulated: Name | None = None
    split: Split | None = None
    measure: Measure | None = None
    clawback: Clawback | None = None
    allowance: Allowance | None = None
    price: Price

    @field_validator("where", mode="before")
    @classmethod
    def _conditions(cls, value: object) -> object:
        """Conditions that are left empty are none, and say so as an empty list of them does."""
        return {} if value is None else value


class Rounding(Strict):
    """Where a version rounds, how, and to how many decimals."""

    place: Annotated[RoundingPlace, one_of(RoundingPlace)] = RoundingPlace.RECORD
    mode: Annotated[RoundingMode, one_of(RoundingMode)] = RoundingMode.HALF_UP
    decimals: Decimals = 6


class Master(Strict):
    """The master price list that a version builds on: one version of one book (`schemas.books`)."""

    book: Name
    version: Annotated[int, whole(1, 1_000_000)]


class Version(Strict):
    """The terms in force from one moment up to, and without, another."""

    version: Annotated[int, whole(1, 1_000_000)]
    valid_from: Valid
    valid_upto: Valid | None = None
    zone: Annotated[str, BeforeValidator(read_text), AfterValidator(check_zone)]
    currency: Annotated[str, BeforeValidator(currency_code)]
    period: Annotated[Literal["month", "day"], word_of(PERIODS)] = "month"
    rounding: Rounding = Rounding()
    tax: Tax | None = None
    settle_in: SettleIn | None = None
    tolerance: Tolerance | None = None
    master: Master | None = None
    territory: Territory | None = None
    items: tuple[Item, ...]
    deals: tuple[Deal, ...] = ()

    @property
    def decimals(self) -> int:
        """How many decimals amounts are rounded to, which may be those of the currency."""
        return decimals_of(self.rounding.decimals, self.currency)

    @property
    def valid_from_s(self) -> int:
        """The first second in force."""
        return self.valid_from.seconds(self.zone)

    @property
    def valid_upto_s(self) -> int:
        """The first second no longer in force."""
        return OPEN_UPTO_S if self.valid_upto is None else self.valid_upto.seconds(self.zone)


class Agreement(Strict):
    """A contract with a partner; agreements that name the same pool are settled together."""

    agreement: Annotated[Name, AfterValidator(_agreement_name)]
    partner: Name
    model: Annotated[Model, one_of(Model)]
    pool: Name | None = None
    versions: tuple[Version, ...]


def items_of(agreement: Agreement) -> Iterator[tuple[Path, Item]]:
    """All items of all versions with their paths."""
    for number, version in enumerate(agreement.versions):
        for index, item in enumerate(version.items):
            yield ("versions", number, "items", index), item


def _field_names(*models: type[BaseModel]) -> tuple[str, ...]:
    """The fields of models as files name them."""
    fields = (item for model in models for item in model.model_fields.items())
    return tuple(sorted({field.alias or name for name, field in fields}))


FIELDS = _field_names(
    *(Partner, Agreement, Version, Rounding, Tax, SettleIn, Tolerance, Master, Item, Where),
    *(Allowance, Clawback, Measure, Territory),
    *DEAL_MODELS,
    *PRICE_MODELS,
    *SPLIT_MODELS,
)
"""Every field of the YAML files, to suggest for one that is mistyped."""
