"""Cases about single calls: increments, fees, time bands, prefixes, partial records, two sides."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from tests.case_plans import Case, Event, Figures, Plan, Step, Terms, UntranslatableError
from tests.case_terms import (
    SECONDS,
    VALID_FROM,
    agreement,
    call_price,
    is_exact,
    per_of,
    rate_row,
    restated,
    rounding,
    week_of,
)
from tests.case_usage import CALL_SLOTS, START, Carrier, call, seconds_of

INGRESS = Carrier(CALL_SLOTS[0], "second", 3)
EGRESS = Carrier(CALL_SLOTS[2], "second", 3)
EARLIER = timedelta(minutes=1)
NO_PRICE = ("no_rate", "no_item")
CAPPED = "free"  # a call beyond its most goes on free of charge; `disconnect` is for live control


def calls(case: Case, price: Terms, seconds: Sequence[str], **more: Any) -> Plan:  # noqa: ANN401
    """Calls of so many seconds under one price; the answer is what they cost."""
    terms = agreement(case.id, [INGRESS.item("voice", price)], **rounding(case.params, "record"))

    def script(figures: Figures) -> Generator[Step, None, str]:
        yield Step([call(case.id, Decimal(s)) for s in seconds])
        return figures.amount(case.id, exact=is_exact(case.params))

    return Plan([terms], script, **more)


def most(params: Mapping[str, Any], strategy: str | None = None) -> Terms:
    """The most that a call may cost."""
    said = strategy or params.get("max_cost_strategy", CAPPED)
    return {"maximum": params["max_cost"]} if "max_cost" in params and said == CAPPED else {}


def increments(case: Case) -> Plan:
    """Rates by the second of the call, each in increments of its own."""
    fee = case.params.get("connect_fee", case.params.get("setup", "0"))
    rates = case.params.get("rates") or case.params["tiers"]
    price = call_price(rates, connect_fee=fee) | most(case.params)
    return calls(case, price, case.usage)


def beat_volume(case: Case) -> Plan:
    """All seconds at the price of the stretch that the call's length reaches."""
    return calls(case, call_price(case.params["tiers"], curve="volume"), case.usage)


def rated_quantity(case: Case) -> Plan:
    """What is charged for, beside what was measured."""
    params = case.params
    first = params.get("initial", params.get("increment"))
    price: Terms = {"kind": "unit", "per": "second", "amount": "1"}
    price |= {"initial_seconds": first, "next_seconds": params.get("next", first)}
    terms = agreement(case.id, [INGRESS.item("voice", price)])

    def script(figures: Figures) -> Generator[Step, None, str]:
        yield Step([call(case.id, Decimal(s)) for s in case.usage])
        return ",".join(str(row["quantity"]) for row in figures.legs())

    return Plan([terms], script)


def per_leg(case: Case) -> Plan:
    """A session in partial records, each rounded for itself; the connect fee is paid once."""
    params = case.params
    price = call_price(params["rates"], connect_fee=params.get("connect_fee", "0"))
    item = INGRESS.item("voice", price, count={"whole": "legs"})
    terms = agreement(case.id, [item], **rounding(params, "record"))

    def script(figures: Figures) -> Generator[Step, None, str]:
        yield Step(session(case.id, [Decimal(s) for s in params["legs_seconds"]], START))
        return figures.amount(case.id, exact=is_exact(params))

    return Plan([terms], script)


def session(key: str, parts: Sequence[Decimal], start: datetime) -> list[Event]:
    """A session in partial records, one after another, of a source with a clock of its own."""
    found, at = [], start
    for number, seconds in enumerate(parts):
        fields: Terms = {"source": key, "session_id": key, "partial_sequence": number}
        found.append(call(key, seconds, at, partial_final=number == len(parts) - 1, **fields))
        at += timedelta(milliseconds=int(seconds.scaleb(3)))
    return found


def offset(case: Case) -> Plan:
    """A later piece of a session goes on where the earlier one ended."""
    row = case.usage[0]
    price = call_price(case.params["tiers"], connect_fee=case.params.get("setup", "0"))
    item = INGRESS.item("voice", price, count={"whole": "session"})
    terms = agreement(case.id, [item], **rounding(case.params, "record"))

    def script(figures: Figures) -> Generator[Step, None, str]:
        parts = [Decimal(row["already_rated"]), Decimal(row["added"])]
        yield Step(session(case.id, parts, START))
        return charge(figures.legs()[-1], case.params)

    return Plan([terms], script)


def charge(row: Mapping[str, Any], params: Mapping[str, Any]) -> str:
    """The charge of a leg, with its residue where the case rounds nothing."""
    rounded, exact = row["charge"]
    return str(exact if is_exact(params) else rounded)


def time_of_day(case: Case) -> Plan:
    """Bands by weekday and clock; a call over an edge is priced in each."""
    params, bands = case.params, case.params["bands"]
    starts: dict[int, list[tuple[str, str]]] = {}
    prices: Terms = {}
    per = per_of(Decimal(bands[0].get("unit", "1")))
    limits = [most(params, band.get("max_cost_strategy")) for band in bands]
    alike = all(limit == limits[0] for limit in limits)
    for number, band in enumerate(bands):
        name = f"band{number}"
        for day in band["weekdays"]:
            starts.setdefault(day, []).append((band["start"], name))
        amount = restated(Decimal(band["price"]), Decimal(band.get("unit", "1")), SECONDS[per])
        fee = {"connect_fee": band["connect_fee"]} if Decimal(band.get("connect_fee", 0)) else {}
        prices[name] = {"amount": amount, **fee, **({} if alike else limits[number])}
    split = "start_band" if case.model.endswith("start_band") else "complete_increment"
    banded = {"of": case.id, "split": split, "prices": prices}
    price: Terms = {"kind": "unit", "per": per, "bands": banded}
    price |= limits[0] if alike else {}
    later = params.get("first_leg") is False
    count = {"count": {"whole": "legs"}} if later else {}
    item = INGRESS.item("voice", price, **count)
    terms = agreement(case.id, [item], **rounding(params, "record"))

    def script(figures: Figures) -> Generator[Step, None, str]:
        row = case.usage[0]
        start = datetime.fromisoformat(row["start"]).replace(tzinfo=UTC)
        seconds = seconds_of(datetime.fromisoformat(row["end"]).replace(tzinfo=UTC) - start)
        if not later:
            yield Step([call(case.id, seconds, start)])
            return figures.amount(case.id, f"{start:%Y-%m}", exact=is_exact(params))
        yield Step(session(case.id, [seconds_of(EARLIER), seconds], start - EARLIER))
        return charge(figures.legs()[-1], params)

    return Plan([terms], script, bands=[{"bands": case.id, "days": week_of(starts)}])


def split_increment(case: Case) -> Plan:
    """A call that begins in one band and ends in the next, at noon."""
    params, row = case.params, case.usage[0]
    prices: Terms = {}
    per = per_of(Decimal(params["bands"][0].get("unit", "1")))
    for number, band in enumerate(params["bands"], 1):
        price = call_price([{**band, "from": "0"}], connect_fee=params.get("setup", "0"))
        amount = restated(Decimal(price.pop("amount")), SECONDS[price["per"]], SECONDS[per])
        more = {k: v for k, v in price.items() if k not in ("kind", "per")}
        prices[f"band{number}"] = {"amount": amount, **more}
    banded = {"of": case.id, "split": params["rule"], "prices": prices}
    item = INGRESS.item("voice", {"kind": "unit", "per": per, "bands": banded})
    terms = agreement(case.id, [item], **rounding(params, "record"))
    edges = {day: [("00:00", "band1"), ("12:00", "band2")] for day in range(1, 8)}

    def script(figures: Figures) -> Generator[Step, None, str]:
        before, after = Decimal(row["band1_seconds"]), Decimal(row["band2_seconds"])
        noon = START.replace(hour=12)
        start = noon - timedelta(milliseconds=int(before.scaleb(3)))
        yield Step([call(case.id, before + after, start)])
        return figures.amount(case.id, exact=is_exact(params))

    return Plan([terms], script, bands=[{"bands": case.id, "days": week_of(edges)}])


def longest_prefix(case: Case) -> Plan:
    """Tariffs by prefix: a deck of called numbers where it can say all, else items by prefix."""
    params = case.params
    calling = params.get("match_on") == "calling_number"
    prefixes = {p.removeprefix("+"): name for p, name in params["prefixes"].items()}
    rows = {name: rate_row(name, tariff) for name, tariff in params["tariffs"].items()}
    roundings = [t["rounding"] for t in params["tariffs"].values() if "rounding" in t]
    if any(r != roundings[0] for r in roundings):
        raise UntranslatableError("an agreement rounds in one way")
    said = {"rounding": roundings[0]} if roundings else {}
    files: dict[str, str] = {}
    listed = [row for row in rows.values() if row is not None]
    if len(listed) == len(rows) and "" not in prefixes and not calling:
        files = _deck(case.id, prefixes, listed)
        items = [INGRESS.item("voice", {"kind": "deck", "deck": case.id})]
    else:
        items = _by_prefix(prefixes, params["tariffs"], "calling" if calling else "called")
    terms = agreement(case.id, items, **rounding(said, "record"))

    def script(figures: Figures) -> Generator[Step, None, str]:
        row = case.usage[0]
        number = {"calling_number": row["calling"]} if calling else {}
        called = {} if calling else {"called_number": row["destination"].removeprefix("+")}
        yield Step([call(case.id, Decimal(row["seconds"]), **number, **called)])
        reason = figures.reason()
        if reason is not None:
            return "error:no_rate" if reason in NO_PRICE else f"error:{reason}"
        return figures.amount(case.id, exact=is_exact(said))

    return Plan([terms], script, files)


def _deck(name: str, prefixes: Mapping[str, str], rows: Sequence[Mapping[str, str]]) -> Terms:
    """The files of a deck."""
    zones = "".join(f"{prefix},{zone}\n" for prefix, zone in prefixes.items())
    columns = [*rows[0], "valid_from", "valid_upto"]
    lines = [",".join([*row.values(), VALID_FROM, ""]) for row in rows]
    return {
        f"decks/{name}.prefixes.csv": f"prefix,zone\n{zones}",
        f"decks/{name}.rates.csv": "\n".join([",".join(columns), *lines, ""]),
    }


def _by_prefix(
    prefixes: Mapping[str, str], tariffs: Mapping[str, Mapping[str, Any]], number: str
) -> list[Terms]:
    """An item for each tariff; the one of the empty prefix is for all other numbers."""
    items = []
    for name, tariff in tariffs.items():
        price = call_price(tariff["rates"], connect_fee=tariff.get("connect_fee", "0"))
        listed = [prefix for prefix, zone in prefixes.items() if zone == name]
        where = {} if "" in listed else {"where": {number: listed}}
        items.append(INGRESS.item(name, price | most(tariff), **where))
    return items


def effective_dated(case: Case) -> Plan:
    """Versions that follow one another; the price is that of the call's date."""
    params = case.params
    versions = []
    for number, row in enumerate(params["versions"], 1):
        rate = {"price": row["price"], "unit": params["unit"], "beat": params["beat"]}
        item = INGRESS.item("voice", call_price([rate]))
        [version] = agreement(case.id, [item], **rounding(params, "record"))["versions"]
        versions.append({**version, "version": number, "valid_from": row["valid_from"]})
    for before, after in pairwise(versions):
        before["valid_upto"] = after["valid_from"]

    def script(figures: Figures) -> Generator[Step, None, str]:
        row = case.usage[0]
        at = datetime.fromisoformat(row["date"]).replace(tzinfo=UTC)
        yield Step([call(case.id, Decimal(row["seconds"]), at)])
        return figures.amount(case.id, f"{at:%Y-%m}", exact=is_exact(params))

    return Plan([{**agreement(case.id, []), "versions": versions}], script)


def two_packets(case: Case) -> Plan:
    """Further prices on the same call are surcharges: legs and lines of their own."""
    items = []
    for number, packet in enumerate(case.params["packets"]):
        price = call_price(packet["tiers"], connect_fee=packet.get("setup", "0"))
        surcharge = {"surcharge": "true"} if number else {}
        items.append(INGRESS.item(f"packet{number}", price, **surcharge))
    terms = agreement(case.id, items, **rounding(case.params, "record"))

    def script(figures: Figures) -> Generator[Step, None, str]:
        yield Step([call(case.id, Decimal(s)) for s in case.usage])
        return figures.amount(case.id, exact=is_exact(case.params))

    return Plan([terms], script)


def two_sided(case: Case) -> Plan:
    """One call, priced for the customer it came from and for the vendor it went to."""
    unit = case.params["rate_unit"]
    sides = {"customer": INGRESS, "vendor": EGRESS}
    terms = []
    for side, by in sides.items():
        said = case.params[side]
        first = {"from": "0", "price": said["initial_rate"], "increment": said["initial_interval"]}
        then = {"from": said["initial_interval"], "price": said["next_rate"]}
        rates = [first, {**then, "increment": said["next_interval"]}]
        price = call_price([{**rate, "unit": unit} for rate in rates])
        rounds = rounding(case.params, "record")
        terms.append(agreement(f"{case.id}-{side}", [by.item("voice", price)], **rounds))
    quantities = case.model.endswith("billed_seconds")

    def script(figures: Figures) -> Generator[Step, None, str]:
        yield Step([between(case.id, Decimal(s)) for s in case.usage])
        rows = sorted(figures.legs(), key=lambda row: str(row["agreement"]))
        if quantities:
            return ",".join(str(row["quantity"]) for row in rows)
        return ",".join(charge(row, case.params) for row in rows)

    return Plan(terms, script)


def between(name: str, seconds: Decimal, **more: Any) -> Event:  # noqa: ANN401
    """A call from a customer to a vendor."""
    return call(f"{name}-customer", seconds, egress_route=f"{name}-vendor", **more)


def attempts(case: Case) -> Plan:
    """Fees for attempts: the vendor's on every one, the customer's on the last."""
    rules = {"customer": "last", "vendor": "every"}
    terms = []
    for side, by in (("customer", INGRESS), ("vendor", EGRESS)):
        price: Terms = {"kind": "unit", "per": "minute", "amount": "0"}
        price["attempt_fee"] = case.params[f"{side}_attempt_fee"]
        if rules[side] == "last":
            price["attempt_on"] = "last"
        terms.append(agreement(f"{case.id}-{side}", [by.item("voice", price)]))

    def script(figures: Figures) -> Generator[Step, None, str]:
        events = []
        for number, row in enumerate(case.usage):
            if row["answered"]:
                raise UntranslatableError("an answered call is no attempt")
            session_of = {"session_id": case.id, "partial_sequence": number}
            final = bool(row["last_attempt"])
            events.append(between(case.id, Decimal(0), partial_final=final, **session_of))
        yield Step(events)
        sides = (f"{case.id}-{side}" for side in rules)
        return ",".join(figures.amount(side).removeprefix("-") for side in sides)

    return Plan(terms, script)


def duration_local(case: Case) -> Plan:
    """What a call between two clock times has lasted, in a zone that changes its clock."""
    zone = case.params["zone"]
    price: Terms = {"kind": "unit", "per": "second", "amount": "1"}
    terms = agreement(case.id, [INGRESS.item("voice", price)], zone=zone)

    def script(figures: Figures) -> Generator[Step, None, str]:
        row = case.usage[0]
        start, upto = (
            datetime.fromisoformat(row[at]).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
            for at in ("start_local", "end_local")
        )
        yield Step([call(case.id, seconds_of(upto - start), start)])
        return str(figures.legs()[0]["quantity"])

    return Plan([terms], script)


def day_hours(case: Case) -> Plan:
    """How many hours a local day has: as many as hourly calls of it lie in its period."""
    zone = case.params["zone"]
    day = datetime.fromisoformat(case.usage[0]).replace(tzinfo=UTC)
    price: Terms = {"kind": "unit", "per": "event", "amount": "1"}
    item = INGRESS.item("voice", price)
    terms = agreement(case.id, [item], zone=zone, period="day")

    def script(figures: Figures) -> Generator[Step, None, str]:
        times = [day + timedelta(hours=hour) for hour in range(-24, 48)]
        yield Step([call(case.id, Decimal(1), at) for at in times])
        return figures.amount(case.id, case.usage[0])

    return Plan([terms], script)


MODELS: dict[str, Callable[[Case], Plan]] = {
    "attempt_fee": attempts,
    "beat_effective_dated": effective_dated,
    "beat_graduated": increments,
    "beat_graduated_offset": offset,
    "beat_volume": beat_volume,
    "billed_seconds": rated_quantity,
    "day_hours": day_hours,
    "duration_local": duration_local,
    "increments": increments,
    "increments_per_leg": per_leg,
    "longest_prefix": longest_prefix,
    "round_duration": rated_quantity,
    "setup+beat": increments,
    "time_of_day": time_of_day,
    "time_of_day_start_band": time_of_day,
    "time_split_increment": split_increment,
    "two_packet_beat": two_packets,
    "two_sided_billed_seconds": two_sided,
    "two_sided_price": two_sided,
}
