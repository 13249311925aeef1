"""A process that loads and indexes a reference, and says how long that took and how much memory."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

from ops.bench.report import peak_mebibytes
from ops.process import keep_memory
from schemas.reference import load
from state.tables import build


def main() -> None:
    """Load, build, report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reference", type=Path, required=True)
    options = parser.parse_args()
    keep_memory()
    before, began = peak_mebibytes(), time.perf_counter()
    tables = build(load(options.reference))
    report = {
        "rate_lines": len(tables.rates),
        "load_seconds": round(time.perf_counter() - began, 2),
        "load_mebibytes": peak_mebibytes() - before,
    }
    sys.stdout.write(json.dumps(report) + "\n")


if __name__ == "__main__":
    main()
