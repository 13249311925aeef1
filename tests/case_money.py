"""Cases about amounts of money: percentages, shares, splits, netting, tax and currencies."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from streams.facts import Which
from streams.statement import fraction_text
from tests.case_curves import SHARE
from tests.case_plans import PERIOD, Case, Figures, Plan, Step, Terms
from tests.case_terms import agreement, is_exact, rounding, text
from tests.case_usage import MICRO_DECIMALS, START, carrier, money, places, sale


def sales(
    case: Case,
    price: Terms,
    amounts: Sequence[str],
    *,
    place: str = "record",
    **more: Any,  # noqa: ANN401
) -> Plan:
    """Transactions of some amounts under one price; the answer is what they come to.

    Amounts of more decimals than a transaction has travel as bytes, at the share of one.
    """
    sold = [Decimal(amount) for amount in amounts]
    by = money()
    if places(sold) > MICRO_DECIMALS and price.keys() == SHARE.keys():
        by = carrier(sold)
        part = text(Decimal(price["percent"]).scaleb(-2))
        price = {"kind": "unit", "per": by.per, "amount": part}
    terms = agreement(case.id, [by.item("sales", price, **more)], **rounding(case.params, place))

    def script(figures: Figures) -> Generator[Step, None, str]:
        at = START
        events = []
        for amount in sold:
            events.append(by.event(case.id, amount, at))
            at += timedelta(seconds=1)
        yield Step(events)
        return figures.amount(case.id, exact=is_exact(case.params))

    return Plan([terms], script)


def rounded(case: Case) -> Plan:
    """An amount as it is, rounded."""
    return sales(case, SHARE, case.usage)


def percentage(case: Case) -> Plan:
    """A percentage of each amount, with a fixed part and bounds; some events or units are free."""
    params = case.params
    price: Terms = {"kind": "share", "percent": params["rate_pct"]}
    if Decimal(params.get("fixed_per_event", 0)):
        price["connect_fee"] = params["fixed_per_event"]
    named = (("minimum", "min_per_event"), ("maximum", "max_per_event"))
    price |= {word: params[name] for word, name in named if name in params}
    free: Terms = {
        word: str(params[name])
        for word, name in (("events", "free_events"), ("quantity", "free_units"))
        if name in params
    }
    more: Terms = {"allowance": free} if free else {}
    return sales(case, price, case.usage, **more)


def share(case: Case) -> Plan:
    """A percentage of revenue, or the flat amount where that is greater."""
    price: Terms = {"kind": "share", "percent": case.params["rate_pct"]}
    if "flat" in case.params:
        price["minimum"] = case.params["flat"]
    return sales(case, price, case.usage)


def margin(case: Case) -> Plan:
    """A percentage of what is left of retail after the wholesale cost."""
    row = case.usage[0]
    price: Terms = {"kind": "share", "percent": case.params["share_pct"]}
    item = money().item("sales", price, count={"of": "margin"})
    terms = agreement(case.id, [item], **rounding(case.params, "record"))

    def script(figures: Figures) -> Generator[Step, None, str]:
        cost = int(Decimal(row["wholesale_cost"]).scaleb(MICRO_DECIMALS))
        yield Step([sale(case.id, Decimal(row["retail"]), cost_amount_micros=cost)])
        return figures.amount(case.id, exact=is_exact(case.params))

    return Plan([terms], script)


def reversal(case: Case) -> Plan:
    """A refund takes the percentage that was in force when the refunded part was sold."""
    parts, refund = case.params["parts"], case.usage[0]
    days = [START + timedelta(days=number) for number in range(len(parts) + 1)]
    clawback = {"types": ["refund"], "window_days": "365", "rule": "full"}
    versions = []
    for number, part in enumerate(parts, 1):
        price: Terms = {"kind": "share", "percent": part["rate_pct"]}
        item = money().item("sales", price, clawback=clawback)
        [version] = agreement(case.id, [item])["versions"]
        versions.append({**version, "version": number})
    for before, after, day in zip(versions, versions[1:], days[1:], strict=False):
        before["valid_upto"] = after["valid_from"] = f"{day:%Y-%m-%d}"

    def script(figures: Figures) -> Generator[Step, None, str]:
        sold = zip(parts, days, strict=False)
        yield Step([sale(case.id, Decimal(part["amount"]), at) for part, at in sold])
        before = Fraction(figures.amount(case.id, exact=True))
        original = days[int(refund["refund_part"]) - 1]
        reversed_: Terms = {"transaction_type": "refund", "original_started_at": original}
        yield Step([sale(case.id, -Decimal(refund["amount"]), days[-1], **reversed_)])
        return fraction_text(Fraction(figures.amount(case.id, exact=True)) - before)

    return Plan([{**agreement(case.id, []), "versions": versions}], script)


def split(case: Case) -> Plan:
    """An amount among parties: the first is the agreement itself, the others have their own."""
    params = case.params
    if "weights" in params:
        rule = "first_parts" if case.model.endswith("first_parts") else "largest_remainder"
        parts = _weights(params["weights"])
    else:
        rule, first = "rest_to_last", Decimal(params["share_pct"])
        parts = [{"percent": text(first)}, {"percent": text(100 - first)}]
    rounds = rounding({"decimals": 0, **params}, "record")
    names = [f"{case.id}-{number}" for number in range(1, len(parts))]
    others = [
        {"agreement": name, "item": "part", **part}
        for name, part in zip(names, parts[1:], strict=True)
    ]
    divided = {"rule": rule, "parties": [parts[0], *others]}
    own = agreement(case.id, [money().item("sales", SHARE, split=divided)], **rounds)
    received: Terms = {"kind": "received"}
    terms = [agreement(name, [money().item("part", received)], **rounds) for name in names]

    def script(figures: Figures) -> Generator[Step, None, str]:
        yield Step([sale(case.id, Decimal(amount)) for amount in case.usage])
        return ",".join(figures.amount(name) for name in (case.id, *names))

    return Plan([own, *terms], script)


def _weights(weights: Sequence[str]) -> list[Terms]:
    """Weights as parts of one, or of a hundred."""
    if sum(map(Fraction, weights)) == 1:
        return [{"part": weight} for weight in weights]
    return [{"percent": weight} for weight in weights]


def netting(case: Case) -> Plan:
    """What is owed both ways, set off against each other."""
    row = case.usage[0]
    flows = ("receivable", "payable")
    items = [{**money(at).item(flow, SHARE), "flow": flow} for at, flow in enumerate(flows)]
    terms = agreement(case.id, items, currency=case.params["currency"])

    def script(figures: Figures) -> Generator[Step, None, str]:
        currency = {"retail_currency": case.params["currency"]}
        amounts = [(at, Decimal(row[flow])) for at, flow in enumerate(flows)]
        yield Step([sale(case.id, amount, slot=at, **currency) for at, amount in amounts])
        return str(figures.document(case.id)["totals"][0]["net"])

    return Plan([terms], script)


def balance(case: Case) -> Plan:
    """A balance that calls move: up by what a vendor is owed, down by what a customer owes.

    Reverse billing turns a call around; what is ignored is test traffic.
    """
    flows = ("payable", "receivable")  # what raises the balance, and what lowers it
    items = [{**money(at).item(flow, SHARE), "flow": flow} for at, flow in enumerate(flows)]
    terms = agreement(case.id, items)
    raises = case.params["side"] == "vendor"

    def script(figures: Figures) -> Generator[Step, None, str]:
        events = [sale(case.id, Decimal(case.params["start"]), slot=0)]
        for row in case.usage:
            up = raises is not bool(row.get("reverse_billing"))
            slot, ignored = (0 if up else 1), bool(row.get("ignored"))
            events.append(sale(case.id, Decimal(row["price"]), slot=slot, test=ignored))
        yield Step(events)
        return fraction_text(-Fraction(figures.amount(case.id, exact=True)))

    return Plan([terms], script)


def credit_note(case: Case) -> Plan:
    """Net, tax and gross of a statement, where gross is the sum of the rounded two."""
    params = case.params
    item = money().item("sales", SHARE)
    tax = {"percent": params["tax_pct"]}
    terms = agreement(case.id, [item], tax=tax, **rounding(params, "statement"))

    def script(figures: Figures) -> Generator[Step, None, str]:
        yield Step([sale(case.id, Decimal(row["item"])) for row in case.usage])
        [total] = figures.document(case.id)["totals"]
        return f"{total['net']},{total['tax']},{total['gross']}"

    return Plan([terms], script)


def exchange(case: Case) -> Plan:
    """A settlement in another currency, at the rate of the period's end."""
    params = case.params
    rule = {"mode": params["mode"], "decimals": str(params["decimals"])}
    settle_in = {"currency": "INR", "source": case.id, "on": "period_end", **rule}
    item = money().item("sales", SHARE)
    terms = agreement(case.id, [item], currency="USD", settle_in=settle_in)

    def script(figures: Figures) -> Generator[Step, None, str]:
        yield Step([sale(case.id, Decimal(a), retail_currency="USD") for a in case.usage])
        return str(figures.document(case.id)["totals"][0]["settlement"]["receivable"])

    return Plan([terms], script, rates=[f"{case.id},USD,INR,2024-06-30,{params['rate']}"])


def reconciled(case: Case) -> Plan:
    """A partner's figure beside ours: whether they are as near as the agreement asks."""
    params, row = case.params, case.usage[0]
    named = (("percent", "tolerance_pct"), ("absolute", "tolerance_abs"), ("basis", "basis"))
    tolerance = {word: params[name] for word, name in named if name in params}
    if len(tolerance.keys() & {"percent", "absolute"}) > 1 and "rule" in params:
        tolerance["rule"] = params["rule"]
    terms = agreement(case.id, [money().item("sales", SHARE)], tolerance=tolerance)

    def script(figures: Figures) -> Generator[Step, None, str]:
        which = Which(case.id, PERIOD, "sales", "amount")
        yield Step([sale(case.id, Decimal(row["own"]))], declares=[(which, row["partner"])])
        [found] = figures.document(case.id)["declarations"]
        return str(found["result"])

    return Plan([terms], script)


MODELS: dict[str, Callable[[Case], Plan]] = {
    "credit_note": credit_note,
    "fx": exchange,
    "margin_share": margin,
    "netting": netting,
    "percentage": percentage,
    "reconcile_tolerance": reconciled,
    "revenue_share_greater_of": share,
    "revenue_share_pct": share,
    "round": rounded,
    "share_reversal": reversal,
    "split_first_parts": split,
    "split_largest_remainder": split,
    "split_round_first_rest_remainder": split,
    "two_sided_balance": balance,
}
