"""The closed vocabularies of the settlement: services, roles, outcomes and reasons.

A code here is what the hot path computes with (a small integer) and what people read (its name, in
lower case on the wire). Codes are append-only: they are stored in topics and archives, so a member
is never renumbered and never reused.
"""

from __future__ import annotations

from enum import IntEnum
from functools import cached_property


class Code(IntEnum):
    """An integer for columns whose `label` is the lower-case word used on the wire."""

    @cached_property
    def label(self) -> str:
        """The word written to topics, tables and metrics."""
        return self.name.lower()

    @classmethod
    def of(cls, label: str) -> Code:
        """The member with this label; KeyError when there is none."""
        return cls[label.upper()]


class Service(Code):
    """The family of a usage event; each has its own Avro schema."""

    VOICE = 0
    SMS = 1
    DATA = 2
    BANDWIDTH = 3
    CIRCUIT = 4
    TRANSACTION = 5


class Direction(Code):
    """Which way usage crosses the border, as the operator sees it."""

    IN = 0
    OUT = 1


class Role(Code):
    """How a party is concerned by one usage event; at most one leg each."""

    INGRESS = 0
    EGRESS = 1
    SUBSCRIBER = 2
    CHANNEL = 3
    PRODUCT = 4


class KeyKind(Code):
    """What a partner is recognised by in usage."""

    ROUTE = 0
    NUMBER_RANGE = 1
    IMSI_RANGE = 2
    ACCESS_POINT = 3
    NETWORK = 4
    PRODUCT = 5
    CHANNEL = 6


class Model(Code):
    """The commercial model of an agreement."""

    WHOLESALE = 0
    MVNO = 1
    RESELLER = 2
    REFERRAL = 3


class Flow(Code):
    """Who pays: receivable is owed to the operator, payable is owed to the partner."""

    RECEIVABLE = 0
    PAYABLE = 1


class PriceKind(Code):
    """How an item turns usage into money."""

    DECK = 0
    UNIT = 1
    TIERS = 2
    SHARE = 3
    STEPS = 4
    RECURRING = 5
    COUNTED = 6
    RECEIVED = 7
    BOUNDS = 8
    FEE = 9
    SWAP = 10
    CAPACITY = 11


class Result(Code):
    """What a deal makes of the money that it is over: something more, or something else."""

    ADD = 0
    REPLACE = 1


class DealWindow(Code):
    """What the tiers of a deal begin anew with."""

    PERIOD = 0
    HOUR = 1
    QUARTER = 2
    YEAR = 3


BY_PERIOD = frozenset({PriceKind.TIERS, PriceKind.RECURRING})
"""The kinds of price that depend on all of a period's usage."""


class Number(Code):
    """Which number a deck is looked up by; rated is the routing number where given, else called."""

    RATED = 0
    CALLED = 1
    ROUTING = 2
    CALLING = 3


class Quantity(Code):
    """What an item counts of each usage event."""

    EVENTS = 0
    SECONDS = 1
    BYTES = 2
    UNITS = 3
    AMOUNT_MICROS = 4
    UP_BYTES = 5
    DOWN_BYTES = 6
    COST_MICROS = 7
    MARGIN_MICROS = 8
    UNIT_DAYS = 9
    UNIT_SECONDS = 10
    BITS_PER_SECOND = 11


class ClawbackRule(Code):
    """How much of a charge is taken back within the window of a clawback."""

    FULL = 0
    PRO_RATA = 1


class CountRound(Code):
    """What becomes of a begun step of a quantity."""

    UP = 0
    DOWN = 1
    HALF_UP = 2


class Whole(Code):
    """What is counted as one call: each record, each leg of a session, or all of the session."""

    RECORD = 0
    LEGS = 1
    SESSION = 2


class AttemptOn(Code):
    """Which records of no quantity an attempt fee is for: every one, or the last of a session."""

    EVERY = 0
    LAST = 1


TIMES = frozenset({Quantity.UNIT_DAYS, Quantity.UNIT_SECONDS})
"""What is counted of an interval: units by how long they were in service."""


class Every(Code):
    """What a recurring price is for: a day, a week, or a month, quarter or year of the calendar."""

    DAY = 0
    WEEK = 1
    MONTH = 2
    QUARTER = 3
    YEAR = 4


class CurveKind(Code):
    """How tiers price a quantity: each tier its own part, or the tier reached all of it."""

    GRADUATED = 0
    VOLUME = 1


class Each(Code):
    """What tiers start anew with, or what a measure looks at."""

    FIVE_MINUTES = 1
    HOUR = 2
    DAY = 3
    PERIOD = 4
    QUARTER = 5
    YEAR = 6


class MeasureKind(Code):
    """What a period, or a window of it, is reduced to before it is priced."""

    SUM = 0
    PEAK = 1
    PERCENTILE = 2
    AVERAGE = 3
    DISTINCT = 4
    FIRST = 5


class Way(Code):
    """Which bytes make a level: up, down, the higher one of both levels, or their sum."""

    UP = 0
    DOWN = 1
    HIGHER = 2
    SUM = 3


class Missing(Code):
    """What becomes of windows without a sample: none, nothing, or the last one before again."""

    DROP = 0
    ZERO = 1
    REPEAT = 2


class Member(Code):
    """Whose different ones are counted."""

    SUBSCRIBER = 0
    INSTANCE = 1


class RoundingPlace(Code):
    """Where an agreement rounds: every record, every statement line, or the statement's total."""

    RECORD = 0
    LINE = 1
    STATEMENT = 2


class RoundingMode(Code):
    """How an agreement rounds; negative amounts mirror positive ones but for ceiling and floor."""

    HALF_UP = 0
    HALF_EVEN = 1
    UP = 2
    DOWN = 3
    CEILING = 4
    FLOOR = 5


class BandSplit(Code):
    """What becomes of a leg that goes on from one time band into another."""

    START_BAND = 0
    COMPLETE_INCREMENT = 1
    ROUND_EACH_BAND = 2


class Allot(Code):
    """How an amount is divided among parties, and who has what is left of its smallest units."""

    LARGEST_REMAINDER = 0
    FIRST_PARTS = 1
    REST_TO_LAST = 2


class LegKind(Code):
    """Why there is a leg: usage itself, something added to it, or a share of another leg.

    A correction is no leg of its own, but what one has become more or less.
    """

    USAGE = 0
    SURCHARGE = 1
    SHARE = 2
    CORRECTION = 3


class Outcome(Code):
    """What became of one usage event; each has exactly one."""

    RATED = 0
    DUPLICATE = 1
    SUSPENDED = 2
    QUARANTINED = 3
    EXCLUDED = 4


class Reason(Code):
    """Why an event was not rated: from 10 excluded, from 20 suspended, from 40 quarantined."""

    NONE = 0
    TEST = 10
    RETAIL = 11
    TEST_PARTNER = 12
    NO_ATTRIBUTION_KEY = 20
    UNKNOWN_ROUTE = 21
    UNKNOWN_ACCESS_POINT = 22
    UNKNOWN_NETWORK = 23
    UNKNOWN_PRODUCT = 24
    UNKNOWN_CHANNEL = 25
    NO_AGREEMENT = 26
    NO_ITEM = 27
    NO_RATE = 28
    CURRENCY_MISMATCH = 29
    FUTURE_TIME = 30
    CONFLICTING_BODY = 31
    CHARGE_OVERFLOW = 32
    SESSION_EXPIRED = 33
    NO_ORIGINAL_TIME = 34
    NO_RECEIVER = 35
    TOO_LONG = 36
    NOT_ENTITLED = 37
    OUTSIDE_TERRITORY = 38
    UNDECODABLE = 40
    BAD_MAGIC = 41
    UNKNOWN_SCHEMA = 42
    WRONG_PARTITION = 43
    NO_SOURCE = 44
    NO_IDENTITY = 45
    NEGATIVE_QUANTITY = 46
    QUANTITY_OVERFLOW = 47
    IMPOSSIBLE_TIME = 48
    INVALID_NUMBER = 49
    UNREADABLE_LINE = 50
    UNKNOWN_SERVICE = 51

    @property
    def outcome(self) -> Outcome:
        """The outcome that this reason belongs to."""
        if self is Reason.NONE:
            return Outcome.RATED
        if self < Reason.NO_ATTRIBUTION_KEY:
            return Outcome.EXCLUDED
        return Outcome.SUSPENDED if self < Reason.UNDECODABLE else Outcome.QUARANTINED
