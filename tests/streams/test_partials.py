"""What records say of their session."""

from __future__ import annotations

from pathlib import Path

from schemas.codes import Service
from streams.partials import NO_NUMBER, part_numbers, unfinished
from tests.makers import item_tables, legs_of, usage
from tests.usage_makers import message, row

CALL = {"called_number": "4930123456", "duration_ms": 0, "ingress_route": "TG-001"}


def test_numbers_of_every_family() -> None:
    """A record without a number has none, nor has a family without the field."""
    batch = usage(
        message(Service.VOICE, row(Service.VOICE, partial_sequence=0)),
        message(Service.VOICE, row(Service.VOICE, sequence=2)),
        message(Service.SMS, row(Service.SMS)),
        message(Service.DATA, row(Service.DATA, partial_sequence=7)),
    )
    by_service = sorted(zip(batch.service.tolist(), part_numbers(batch).tolist(), strict=True))
    assert by_service == [(0, NO_NUMBER), (0, 0), (1, NO_NUMBER), (2, 7)]


def test_only_a_record_that_says_so_is_unfinished(tmp_path: Path) -> None:
    """And nobody looks where no item asks."""
    finals = (False, True, None)
    batch = usage(
        *(
            message(Service.VOICE, row(Service.VOICE, sequence=n, partial_final=final, **CALL))
            for n, final in enumerate(finals)
        )
    )
    item = (
        "{item: in, role: ingress, service: voice, flow: receivable,"
        " price: {kind: unit, per: minute, amount: 0, attempt_fee: 1MORE}}"
    )
    keys = "route,TG-001,ALFA-1,,"
    asking = item_tables(tmp_path / "a", item.replace("MORE", ", attempt_on: last"), keys)
    found = unfinished(batch, legs_of(batch, asking)[0], asking)
    assert found is not None
    assert found.tolist() == [True, False, False]
    others = item_tables(tmp_path / "b", item.replace("MORE", ""), keys)
    assert unfinished(batch, legs_of(batch, others)[0], others) is None
