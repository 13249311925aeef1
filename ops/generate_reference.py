"""The invented operator: its partners of all four models, and the reference files that say so.

The operator's home is country code 49. Around it stand carriers that exchange traffic over trunk
groups, mobile virtual network operators on its network, resellers and referrers of its products. A
`Plan` names what of them shows up in usage (routes, ranges, channels, circuits), so that traffic
and reference data can never disagree by accident, only on purpose.

Everything follows from the seed and the number of partners. Dates are fixed: traffic runs from
2026-10-29 to 2026-11-03, over the end of October.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from ops.generate_decks import deck_files
from ops.generate_draws import scalar_below

# The models in turn; the first four partners are one of each.
MODELS = tuple(
    {"w": "wholesale", "m": "mvno", "r": "reseller", "f": "referral"}[letter]
    for letter in "wmrfwmwwmrfw"
)
VALID_FROM = "2026-01-01"
SECOND_VERSION_FROM = "2026-11-02"  # in the middle of a billing period, and of the traffic
NEWCOMER_FROM = "2026-10-31"
ROUTES_PER_CARRIER = 4
OWN_ROUTES = ("OWN-MSC-1", "OWN-MSC-2", "OWN-IMS-1")
OWN_CHANNELS = ("web-shop", "own-stores")
OWN_ACCESS_POINTS = ("internet", "ims")
PRODUCTS_PER_CARRIER = 3
CHANNELS_PER_SELLER = 2

# zone, currency, rounding: what carriers, and then every other partner, agree on in turn
TERMS: tuple[tuple[str, str, dict[str, Any] | None], ...] = (
    ("Europe/Berlin", "EUR", None),
    ("Europe/London", "GBP", {"place": "line", "mode": "half_even", "decimals": 2}),
    ("America/New_York", "USD", {"place": "statement", "mode": "half_up", "decimals": 2}),
    ("Europe/Zurich", "CHF", {"place": "record", "mode": "half_up", "decimals": 4}),
    ("Asia/Tokyo", "JPY", {"place": "line", "mode": "up", "decimals": 0}),
    ("Europe/Warsaw", "EUR", {"place": "record", "mode": "down", "decimals": 6}),
    ("UTC", "USD", {"place": "record", "mode": "half_even", "decimals": 5}),
)
NAMES = {
    "wholesale": ("Meridian Carrier", "Northwind Transit", "Atlas Voice", "Pacific Relay"),
    "mvno": ("Lumen Mobile", "Kite Mobile", "Parlo", "Tangent"),
    "reseller": ("Brightline Sales", "Corner Shops", "Office Direct", "Campus Deals"),
    "referral": ("CompareNow", "Hello Newcomer", "Blog Network", "Friend of Friends"),
}
COUNTRIES = ("DE", "GB", "US", "CH", "JP", "PL")


@dataclass(frozen=True)
class Partner:
    """A partner as traffic sees it: whose agreement, of which model, and in which currency."""

    number: int  # over all partners
    place: int  # among the partners of its model
    code: str
    model: str
    zone: str
    currency: str

    @property
    def agreement(self) -> str:
        """The name of its agreement."""
        return f"AG-{self.code}"

    @property
    def routes(self) -> list[str]:
        """Trunk groups of a carrier."""
        return [f"TG-{self.code}-{i}" for i in range(1, ROUTES_PER_CARRIER + 1)]

    @property
    def network(self) -> str:
        """Network code of a carrier whose subscribers roam here."""
        return f"{202 + self.place // 80}{10 + self.place % 80}"

    @property
    def products(self) -> list[str]:
        """Circuits that a carrier rents."""
        return [f"CIR-{self.code}-{i}" for i in range(1, PRODUCTS_PER_CARRIER + 1)]

    @property
    def number_range(self) -> str:
        """Leading digits of the numbers of a virtual operator."""
        return f"4915{1000 + self.place}"

    @property
    def imsi_range(self) -> str:
        """Leading digits of the subscriber identities of a virtual operator."""
        return f"26243{1000 + self.place}"

    @property
    def access_point(self) -> str:
        """Data access point of a virtual operator."""
        return f"apn.{self.code.lower()}"

    @property
    def channels(self) -> list[str]:
        """Sales channels of a reseller or referrer."""
        return [f"CH-{self.code}-{i}" for i in range(1, CHANNELS_PER_SELLER + 1)]


@dataclass(frozen=True)
class Plan:
    """Everything that traffic refers to."""

    seed: int
    partners: tuple[Partner, ...]

    @staticmethod
    def of(seed: int, partners: int) -> Plan:
        """The plan for a seed and a number of partners, at least one of each model.

        Raises:
            ValueError: fewer than four partners.
        """
        if partners < len(NAMES):
            raise ValueError(f"{partners} partners; there are {len(NAMES)} models, give as many")
        made: list[Partner] = []
        counts = dict.fromkeys(NAMES, 0)
        for number in range(partners):
            model = MODELS[number % len(MODELS)]
            place = counts[model]
            counts[model] += 1
            zone, currency, _ = TERMS[_terms(number, place, model)]
            code = f"{model[0].upper() if model != 'referral' else 'F'}{place:03d}"
            made.append(Partner(number, place, code, model, zone, currency))
        return Plan(seed, tuple(made))

    def of_model(self, model: str) -> list[Partner]:
        """The partners of one model."""
        return [p for p in self.partners if p.model == model]

    def files(self) -> dict[str, str]:
        """The reference directory: relative names and texts."""
        partners = [
            {"partner": p.code, "name": _name(p), "country": COUNTRIES[p.number % len(COUNTRIES)]}
            for p in self.partners
        ]
        return {
            "partners.yaml": _yaml(partners),
            "agreements.yaml": _yaml([_agreement(p, self.seed) for p in self.partners]),
            "attribution.csv": _attribution(self),
        } | deck_files(self.seed)


def _terms(number: int, place: int, model: str) -> int:
    """Which terms a partner has: carriers go through all of them, others are spread."""
    return (place if model == "wholesale" else number) % len(TERMS)


def _name(partner: Partner) -> str:
    """A name; a numbered one when the list of names is used up."""
    names = NAMES[partner.model]
    again = partner.place // len(names)
    name = names[partner.place % len(names)]
    return f"{name} {again + 1}" if again else name


def _yaml(value: Sequence[object]) -> str:
    """A YAML text; decimals are texts, so they come out quoted."""
    text: str = yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=100)
    return text


def _agreement(partner: Partner, seed: int) -> dict[str, Any]:
    """An agreement; the first carrier's prices change within a period, a newcomer starts late."""
    late = partner.model == "referral" and partner.place == 1
    items = _ITEMS[partner.model](partner, seed)
    first = _version(partner, 1, NEWCOMER_FROM if late else VALID_FROM, items)
    versions = [first]
    if partner.number == 0:
        first["valid_upto"] = SECOND_VERSION_FROM
        raised = _carrier_items(partner, seed, raised=True)
        versions.append(_version(partner, 2, SECOND_VERSION_FROM, raised))
    return {
        "agreement": partner.agreement,
        "partner": partner.code,
        "model": partner.model,
        "versions": versions,
    }


def _version(
    partner: Partner, version: int, valid_from: str, items: list[dict[str, Any]]
) -> dict[str, Any]:
    """One version of an agreement."""
    _, _, rounding = TERMS[_terms(partner.number, partner.place, partner.model)]
    head: dict[str, Any] = {
        "version": version,
        "valid_from": valid_from,
        "zone": partner.zone,
        "currency": partner.currency,
    }
    if partner.model == "referral" and partner.place == 0:
        head["period"] = "day"
    return head | ({"rounding": rounding} if rounding else {}) | {"items": items}


def _item(item: str, role: str, service: str, flow: str, price: dict[str, Any]) -> dict[str, Any]:
    """One item; the direction is left open, the role already says it."""
    return {"item": item, "role": role, "service": service, "flow": flow, "price": price}


def _unit(per: str, amount: str, **more: object) -> dict[str, Any]:
    """A price per unit of what is counted."""
    return {"kind": "unit", "per": per, "amount": amount, **more}


def _money(partner: Partner, seed: int, what: str, low: int, high: int, decimals: int) -> str:
    """An invented price between two bounds, in units of 10^-decimals of the currency."""
    drawn = low + scalar_below(seed, f"{what}:{partner.code}", high - low)
    whole, part = divmod(drawn, 10**decimals)
    return f"{whole}.{part:0{decimals}d}"


def _carrier_items(partner: Partner, seed: int, *, raised: bool = False) -> list[dict[str, Any]]:
    """A carrier pays for traffic it hands over and is paid for traffic it takes."""
    deck = f"carrier-{partner.place % 3 + 1}"
    sms = _money(partner, seed, "sms", 8_000, 45_000, 6)
    flat = _unit("minute", "0.0125" if raised else "0.0117", initial_seconds=1, next_seconds=1)
    terminate: dict[str, Any] = {"kind": "deck", "deck": "home"} if partner.place % 2 else flat
    leased = _money(partner, seed, "circuit", 2_000, 9_000, 2)
    transit = _money(partner, seed, "transit", 2_000, 9_000, 6)
    return [
        _item("voice-in", "ingress", "voice", "receivable", terminate),
        _item("voice-out", "egress", "voice", "payable", {"kind": "deck", "deck": deck}),
        _item("sms-in", "ingress", "sms", "receivable", _unit("event", sms)),
        _item("sms-out", "egress", "sms", "payable", _unit("event", sms)),
        _item("roaming-voice", "subscriber", "voice", "receivable", _unit("minute", "0.0190")),
        _item("roaming-sms", "subscriber", "sms", "receivable", _unit("event", "0.004")),
        _item("roaming-data", "subscriber", "data", "receivable", _unit("megabyte", "0.00155")),
        _item("circuit", "product", "circuit", "receivable", _unit("unit", leased)),
        _item("bandwidth", "product", "bandwidth", "receivable", _unit("gigabyte", transit)),
    ]


def _mvno_items(partner: Partner, seed: int) -> list[dict[str, Any]]:
    """A virtual operator pays for what its subscribers use; every second one by graduated tiers."""
    minute = _money(partner, seed, "minute", 4_000, 19_000, 6)
    voice = _unit("minute", minute, connect_fee="0.002", initial_seconds=30, next_seconds=6)
    megabyte = _money(partner, seed, "megabyte", 400, 2_400, 6)
    data: dict[str, Any] = _unit("megabyte", megabyte)
    if partner.place % 2 == 0:
        tiers = [
            {"up_to": 20_000, "price": "0.0020"},
            {"up_to": 100_000, "price": "0.0015"},
            {"price": "0.0009"},
        ]
        data = {"kind": "tiers", "per": "megabyte", "tiers": tiers}
    return [
        _item("voice", "subscriber", "voice", "receivable", voice),
        _item("sms", "subscriber", "sms", "receivable", _unit("unit", "0.0035")),
        _item("data", "subscriber", "data", "receivable", data),
    ]


def _reseller_items(partner: Partner, seed: int) -> list[dict[str, Any]]:
    """A reseller collects from its customers and owes the operator a share."""
    percent = str(20 + 5 * scalar_below(seed, f"share:{partner.code}", 6))
    share = {"kind": "share", "percent": percent}
    return [_item("sales-share", "channel", "transaction", "receivable", share)]


def _referral_items(partner: Partner, seed: int) -> list[dict[str, Any]]:
    """A referrer earns a commission on what the operator sells; every second one a fixed fee."""
    percent = f"{3 + scalar_below(seed, f'share:{partner.code}', 9)}.5"
    price: dict[str, Any] = {"kind": "share", "percent": percent}
    if partner.place % 2:
        price = _unit("event", "1.50")
    return [_item("commission", "channel", "transaction", "payable", price)]


_ITEMS = {
    "wholesale": _carrier_items,
    "mvno": _mvno_items,
    "reseller": _reseller_items,
    "referral": _referral_items,
}


def _attribution(plan: Plan) -> str:
    """What partners, and the operator itself, are recognised by."""
    rows: list[tuple[str, str, str]] = []
    for p in plan.partners:
        if p.model == "wholesale":
            rows += [("route", route, p.agreement) for route in p.routes]
            rows.append(("network", p.network, p.agreement))
            rows += [("product", product, p.agreement) for product in p.products]
        elif p.model == "mvno":
            rows.append(("number_range", p.number_range, p.agreement))
            rows.append(("imsi_range", p.imsi_range, p.agreement))
            rows.append(("access_point", p.access_point, p.agreement))
        else:
            rows += [("channel", channel, p.agreement) for channel in p.channels]
    rows += [("route", route, "own") for route in OWN_ROUTES]
    rows += [("access_point", point, "own") for point in OWN_ACCESS_POINTS]
    rows += [("channel", channel, "own") for channel in OWN_CHANNELS]
    lines = [f"{kind},{key},{agreement},," for kind, key, agreement in rows]
    return "\n".join(["kind,key,agreement,valid_from,valid_upto", *lines]) + "\n"
