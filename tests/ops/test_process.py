"""A settling process keeps its memory; each case runs in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

ROUNDS = """
import json, resource
import numpy as np
import pyarrow as pa
from ops.process import settle_down

def pages():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

settle_down()
asked = []
for _ in range(400):
    before = pages()
    column = np.ones(1 << 20, np.int64)
    array = pa.array(column).cast(pa.float64())
    del column, array
    asked.append(pages() - before)
print(json.dumps({"asked": asked, "pool": pa.default_memory_pool().backend_name}))
"""

STATE = """
import gc, json, sys
from ops.process import settle_down
settle_down()
print(json.dumps([gc.get_freeze_count() > 0, gc.get_threshold()[0], sys.getswitchinterval()]))
"""


def said(program: str) -> Any:  # noqa: ANN401 - JSON of any shape
    """What a program prints."""
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="other C libraries have no mallopt")
def test_large_columns_do_not_ask_for_memory_again() -> None:
    """Two columns of 8 MiB are 4,096 pages; once the heap has settled, they are found again.

    How soon it settles depends on what else lies in the heap, so the odd new column is allowed for:
    one of forty. A process that gave memory back would ask for 4,096 pages in every round.
    """
    found = said(ROUNDS)
    assert found["pool"] == "system"
    assert sum(found["asked"]) >= 4096
    assert sum(found["asked"][200:]) < 200 * 4096 / 40


def test_the_collector_and_the_switch_of_threads_are_set() -> None:
    """What was made before is not walked over any more, and threads give way quickly."""
    frozen, threshold, switch = said(STATE)
    assert frozen
    assert threshold == 500_000
    assert switch == pytest.approx(0.0005)
