"""The process that loads a reference says how many rate lines it has."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from ops.bench.mix_reference import write_plain


def test_a_small_reference(tmp_path: Path) -> None:
    """120 agreements of six unit prices are 720 lines, after the one that charges nothing."""
    write_plain(tmp_path / "reference")
    command = [sys.executable, "-m", "ops.bench.load_process"]
    command += ["--reference", str(tmp_path / "reference")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    report = json.loads(done.stdout)
    assert report["rate_lines"] == 721
    assert report["load_seconds"] > 0
