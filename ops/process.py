"""What a settling process asks of its interpreter and of its allocators.

A batch is tens of thousands of objects and some hundred columns, made and let go again several
times a second. Three defaults are wrong for that: the collector would walk over all objects again
and again although they hold no cycles; a thread that works in short calls waits 5 ms for the other
one each time; and large columns are given back to the operating system after every batch, only to
be asked for again and filled with zeros. The last one alone costs a tenth of the processor.
"""

from __future__ import annotations

import ctypes
import gc
import sys

import pyarrow as pa

COLLECTOR_THRESHOLDS = (500_000, 20, 100)
SWITCH_SECONDS = 0.0005

# Parameters of mallopt(3): how much free memory at the heap's top is kept, how many allocations may
# lie outside of it (those are given back once they are free), and how many heaps there are.
TRIM_THRESHOLD, MMAP_MAX, ARENA_MAX = -1, -4, -8
KEEP_EVERYTHING = 2**31 - 1
HEAPS = 2  # what one thread lets go of, another one finds


def settle_down() -> None:
    """Set this process up for settling; called once everything long-lived has been made."""
    gc.freeze()
    sys.setswitchinterval(SWITCH_SECONDS)
    keep_memory()


def keep_memory() -> None:
    """Leave the objects of a batch alone, and its memory for the next one to use.

    The latter needs a C library that can be told to.
    """
    gc.set_threshold(*COLLECTOR_THRESHOLDS)
    adjust = getattr(ctypes.CDLL(None), "mallopt", None)
    if adjust is None:
        return
    adjust(TRIM_THRESHOLD, KEEP_EVERYTHING)
    adjust(MMAP_MAX, 0)
    adjust(ARENA_MAX, HEAPS)
    # Arrow's own allocators give memory back as well, each by rules of its own.
    pa.set_memory_pool(pa.system_memory_pool())
