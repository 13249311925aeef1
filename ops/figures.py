"""Figures for people: accruals as rows, read from the log that holds them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from schemas.money import format_micros
from schemas.records import codec
from streams.accrual import Book
from streams.contribution import Series

TOTAL_KEY = b"|total"


def period_rows(messages: Iterable[tuple[int, bytes, bytes]], book: Book) -> list[dict[str, Any]]:
    """Accrual rows of whole periods: (partition, key, value) of `accruals.v1`, as dictionaries.

    `amount` is a decimal string, always positive; `flow` says who owes it.
    """
    found = []
    for _, key, value in messages:
        if not key.endswith(TOTAL_KEY):
            continue
        message = codec("accruals.avsc").decode(value)
        for row in message["rows"]:
            series = Series(
                message["agreement"],
                row["version"],
                row["item"],
                row["line"],
                row["currency"],
                row["original"],
                message["booked"],
            )
            terms = book.terms(series)
            found.append(
                {
                    **series._asdict(),
                    "partner": terms.partner,
                    "model": terms.model,
                    "flow": terms.item.flow.label,
                    "unit": terms.item.quantity.label,
                    "events": row["events"],
                    "quantity": row["quantity"],
                    "amount_micros": row["amount_micros"],
                    "amount": format_micros(row["amount_micros"]),
                    "shortfall": format_micros(row["shortfall_micros"] or 0),
                }
            )
    return sorted(found, key=lambda r: tuple(str(r[f]) for f in Series._fields))


def by_agreement(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Sums per partner, agreement, currency and flow."""
    sums: dict[tuple[str, ...], int] = {}
    keys = ("partner", "model", "agreement", "currency", "flow")
    for row in rows:
        key = tuple(row[k] for k in keys)
        sums[key] = sums.get(key, 0) + row["amount_micros"]
    return [
        {**dict(zip(keys, key, strict=True)), "amount": format_micros(micros)}
        for key, micros in sorted(sums.items())
    ]


def paid(total: Mapping[str, Any]) -> dict[str, str]:
    """What is paid of a total, in columns: tax and gross, and what it is settled at.

    Of a settlement it is the gross where there is tax, else the net; where no rate is known, why.
    """
    found = {name: str(total[name]) for name in ("tax", "gross") if name in total}
    settled = total.get("settlement")
    if settled is not None:
        amount = settled.get("gross") or settled.get("net")
        known = f"{amount} {settled['currency']}" if amount else ""
        found["settled"] = known or f"provisional: {settled['provisional']}"
    return found


def paid_columns(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """Which of these columns any row has: none where no agreement says anything of payment."""
    named = [name for row in rows for name in row]
    return [name for name in ("tax", "gross", "settled") if name in named]
