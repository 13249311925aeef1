"""A small settlement whose every figure can be worked by hand, for tests of commands and checks.

Three partners, six services, a dozen events of one source. Everything is in November 2024, so that
no clock of a machine that runs the tests makes it the future.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from ops.embedded import Embedded
from ops.reading import Opened
from ops.verify import Verdict, verify
from schemas.codes import Service
from schemas.topics import ACCRUALS, USAGE
from tests.builders import reference_dir
from tests.usage_makers import row

NOVEMBER_US = 1_730_419_200_000_000  # 2024-11-01T00:00:00Z
DAY_US = 86_400_000_000

AGREEMENTS = """\
- agreement: W-1
  partner: ALFA
  model: wholesale
  versions:
    - version: 1
      valid_from: 2024-01-01
      zone: UTC
      currency: EUR
      items:
        - {item: voice-in, role: ingress, service: voice, flow: receivable,
           price: {kind: deck, deck: STANDARD}}
        - {item: sms-in, role: ingress, service: sms, flow: payable,
           price: {kind: unit, per: event, amount: "0.005"}}
        - {item: ports, role: product, service: bandwidth, flow: receivable,
           price: {kind: unit, per: gigabyte, amount: "0.5"}}
        - {item: circuits, role: product, service: circuit, flow: receivable,
           price: {kind: unit, per: unit, amount: "10"}}
- agreement: M-1
  partner: BRAVO
  model: mvno
  versions:
    - version: 1
      valid_from: 2024-01-01
      zone: UTC
      currency: EUR
      items:
        - {item: data, role: subscriber, service: data, flow: receivable,
           price: {kind: tiers, per: megabyte,
                   tiers: [{up_to: 1, price: "0.01"}, {price: "0.002"}]}}
- agreement: S-1
  partner: BRAVO
  model: reseller
  versions:
    - version: 1
      valid_from: 2024-01-01
      zone: UTC
      currency: EUR
      rounding: {place: statement, decimals: 2}
      items:
        - {item: shop, role: channel, service: transaction, flow: receivable,
           price: {kind: share, percent: "30"}}
"""
ATTRIBUTION = """\
kind,key,agreement,valid_from,valid_upto
route,TG-001,W-1,,
route,TG-900,own,,
product,PORT-1,W-1,,
product,CIR-1,W-1,,
number_range,49170,M-1,,
channel,CH-1,S-1,,
"""
MENDED = ATTRIBUTION + "route,TX-1,W-1,,\n"


def reference(directory: Path, attribution: str = ATTRIBUTION) -> Path:
    """The reference files; with `MENDED` the route TX-1 is listed too."""
    return reference_dir(directory, agreements=AGREEMENTS, attribution=attribution)


def event(service: Service, sequence: int, **fields: Any) -> dict[str, Any]:  # noqa: ANN401
    """An event of the source msc-1 on 1 November 2024."""
    return row(service, **{"sequence": sequence, "started_at": NOVEMBER_US, **fields})


def call(sequence: int, route: str | None = "TG-001", **fields: Any) -> dict[str, Any]:  # noqa: ANN401
    """A call of 61 s to a mobile: 30 s and 6 x 6 s are 66 s; 66 x 0.06 / 60 + 0.01 is 0.076."""
    number = {"called_number": "4917012345678", "duration_ms": 61_000}
    return event(Service.VOICE, sequence, ingress_route=route, **{**number, **fields})


# One event of each service, in their order, and what it comes to.
BANDWIDTH = {"product_instance": "PORT-1", "ended_at": NOVEMBER_US + 300_000_000}
CIRCUIT = {"product_instance": "CIR-1", "ended_at": NOVEMBER_US + DAY_US}
RATED = (
    call(1),  # 0.076
    event(Service.SMS, 2, ingress_route="TG-001"),  # 0.005 to be paid
    # 2 MB: the first at 0.01, the second at 0.002 = 0.012
    event(
        Service.DATA,
        3,
        subscriber="491701234567",
        volume_up_bytes=500_000,
        volume_down_bytes=1_500_000,
    ),
    # 2 GB at 0.5 = 1
    event(Service.BANDWIDTH, 4, volume_up_bytes=10**9, volume_down_bytes=10**9, **BANDWIDTH),
    event(Service.CIRCUIT, 5, **CIRCUIT),  # 10
    event(Service.TRANSACTION, 6, sales_channel="CH-1"),  # 30 % of 9.99 = 2.997
)
UNKNOWN = call(7, "TX-1")
IMPOSSIBLE = call(8, duration_ms=-1)
RETAIL = call(9, "TG-900")
TEST = call(10, test=True)
CONFLICT = call(1, duration_ms=5_000)
ALL = (*RATED, UNKNOWN, IMPOSSIBLE, RETAIL, TEST, RATED[0], CONFLICT)


def usage_file(path: Path, events: Iterable[dict[str, Any]]) -> Path:
    """A file of usage in JSON Lines."""
    path.write_text("".join(json.dumps(e) + "\n" for e in map(_named, events)))
    return path


def _named(fields: dict[str, Any]) -> dict[str, Any]:
    return {"service": _service(fields).label, **fields}


def _service(fields: dict[str, Any]) -> Service:
    """Which service an event is of, by the field that only this one has."""
    marks = {
        "retail_amount_micros": Service.TRANSACTION,
        "duration_ms": Service.VOICE,
        "called_number": Service.SMS,
    }
    for mark, service in marks.items():
        if mark in fields:
            return service
    if "product_instance" not in fields:
        return Service.DATA
    return Service.BANDWIDTH if "volume_up_bytes" in fields else Service.CIRCUIT


def settle(
    data: Path,
    events: Sequence[dict[str, Any]] = ALL,
    directory: Path | None = None,
) -> None:
    """Settle events into a data directory, by the reference of these books unless given another."""
    given = directory or reference(data.with_name(data.name + "-reference"))
    with Embedded(data, given) as weir:
        for _ in weir.ingest(usage_file(data.with_name(data.name + ".jsonl"), events)):
            continue


def close(data: Path, period: str = "2024-11", *agreements: str) -> list[dict[str, Any]]:
    """Close a period of some agreements, of all unless said otherwise."""
    with Embedded(data) as weir:
        return weir.close_periods(agreements or ("M-1", "S-1", "W-1"), period)


def recycle(data: Path, directory: Path | None = None) -> int:
    """Try suspended usage again."""
    with Embedded(data, directory) as weir:
        return weir.recycle()


def verdict(data: Path) -> Verdict:
    """Verify a data directory as the command does."""
    with Opened(data) as opened:
        return verify(
            opened.snapshot,
            opened.reference_of,
            opened.newest_reference(),
            opened.partitions(USAGE.name),
            opened.partitions(ACCRUALS.name),
        )
