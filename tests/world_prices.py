"""What prices of random worlds have beside their amount: counts, limits, fees and factors.

Each is drawn from the text of the price itself, so a world that was drawn before it could have them
stays the world that it was in everything else.
"""

from __future__ import annotations

from random import Random

COUNTED = {
    "kilobyte": 100,
    "megabyte": 100_000,
    "mebibyte": 1_024,
    "gigabyte": 10**7,
    "amount": 10**5,
}
VOLUMES = ("byte", "kilobyte", "megabyte", "mebibyte", "gigabyte", "gibibyte")


# The window of a world lies about the end of October: in one quarter or two, in one year or two.
SPANS = ("each: quarter", "each: year", "each: quarter, from: 2026-02", "each: year, from: 2026-11")


def with_more(price: str, name: str) -> str:
    """A price in flow style with more fields, and the count of its item; often neither."""
    random = Random(f"{name} {price}")
    fields: list[str] = []
    if "kind: deck" in price and random.random() < 1 / 3:
        fields.append(random.choice(["factor: 0.75", "factor: 1.1", "less_percent: 12.5"]))
    if "kind: share" in price and random.random() < 1 / 3:
        fields.append("connect_fee: 0.35")
    if "kind: tiers" not in price:
        fields += random.choice([[], [], ["minimum: 0.05"], ["minimum: 0.01", "maximum: 0.5"]])
        if "per: event" not in price and random.random() < 1 / 4:
            fields.append("attempt_fee: 0.003")
    if "kind: tiers" in price and "at_least" not in price and "flat_on_zero" not in price:
        fields += random.choice([[], [], ["each: event"], ["each: event", "connect_fee: 0.02"]])
    spans = Random(f"span {name} {price}")
    if "kind: tiers" in price and "each" not in " ".join(fields) and spans.random() < 1 / 2:
        fields.append(spans.choice(SPANS))
    more = price[:-1] + "".join(f", {field}" for field in fields) + "}"
    return f"{more}{_count(random, price)}"


def _count(random: Random, price: str) -> str:
    """A count that fits what the price is per."""
    per = price.partition("per: ")[2].partition(",")[0] or "amount"
    if "kind: deck" in price or per == "event" or random.random() < 1 / 2:
        return ""
    fields = [f"of: {random.choice(['bytes', 'up_bytes', 'down_bytes'])}"] if per in VOLUMES else []
    if per in COUNTED:
        step = COUNTED[per]
        first = random.choice([step, 3 * step])
        fields += [f"initial: {first}, next: {step}"]
        fields += [f"round: {random.choice(['down', 'half_up'])}"] if first == step else []
    fields += random.choice([[], [f"minimum: {random.choice([7, 90])}"]])
    return f", count: {{{', '.join(fields)}}}" if fields else ""
