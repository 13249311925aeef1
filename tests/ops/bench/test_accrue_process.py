"""The measuring process of the accrue hop is run by the test of its benchmark."""

from __future__ import annotations

import subprocess
import sys


def test_it_says_what_it_wants() -> None:
    """Without a broker, a group, a reference and a number of rows it does nothing."""
    command = [sys.executable, "-m", "ops.bench.accrue_process"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "--brokers, --group, --reference, --rows" in done.stderr
