"""A reference of 1,000,000 rate lines swapped in while usage is settled: how old figures get.

Events come at a steady rate, as in `weir bench freshness`, priced by the unit. After some seconds
200 decks appear in the reference directory; the worker reads and indexes them beside its work and
takes them between two batches. No event may wait for that.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

from ops.bench.freshness import observe
from ops.bench.mix_reference import write_plain
from schemas.reference import load

RATE, SECONDS = 20_000, 40
SWAP_AFTER_SECONDS = 10


def swap(brokers: str, larger: Path, rate: int = RATE, seconds: int = SECONDS) -> dict[str, Any]:
    """Settle by plain prices, and put the decks of a larger reference beside them meanwhile.

    Args:
        brokers: an empty broker.
        larger: a reference with decks.
        rate: events a second.
        seconds: for how long they are sent.
    """
    with tempfile.TemporaryDirectory() as directory:
        reference, beside = Path(directory) / "reference", Path(directory) / "decks"
        write_plain(reference)
        shutil.copytree(larger / "decks", beside)

        def swap_in() -> None:
            time.sleep(min(SWAP_AFTER_SECONDS, seconds / 4))
            beside.rename(reference / "decks")

        before = load(reference).reference_id
        observed = observe(brokers, reference, rate, seconds, swap_in)
    ages = observed.ages()
    return {
        "swapped": observed.report["reference"] != before,
        "swap_age_p99_seconds": ages["age_p99_seconds"],
        "swap_age_max_seconds": ages["age_max_seconds"],
        "swap_arrived": f"{ages['arrived']} of {ages['events']}",
    }
