"""How Hypothesis searches: the same examples on every CI run, fresh ones on a developer's machine.

Time is never asserted, so no example has a deadline. A failure prints the blob that repeats it.
`pytest --hypothesis-profile=thorough` searches longer.
"""

from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile("dev", deadline=None, print_blob=True)
settings.register_profile("ci", deadline=None, print_blob=True, derandomize=True)
settings.register_profile("thorough", deadline=None, print_blob=True, max_examples=2_000)
settings.load_profile("ci" if os.environ.get("CI") == "true" else "dev")

# Tests marked `kafka` stand in several directories: their broker comes from a plugin.
pytest_plugins = ["tests.kafka.plugin"]
