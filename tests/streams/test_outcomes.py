"""Every event is counted once, whatever there is to say of it."""

from __future__ import annotations

import numpy as np

from schemas.codes import Outcome, Reason, Service
from schemas.topics import QUARANTINE
from state.usage_memory import Delta
from streams.outcomes import quarantine, tally
from streams.settle import Work
from tests.makers import segment, usage
from tests.usage_makers import message, row

MESSAGES = [message(Service.SMS, row(sequence=n)) for n in range(3)]


def test_a_repeat_is_a_duplicate_whatever_else_it_is() -> None:
    """One rated, one suspended, and a repeat that could not be rated either."""
    reason = np.array([0, Reason.NO_ITEM, Reason.NO_ITEM], np.int8)
    delta = Delta()
    tally(usage(*MESSAGES), reason, np.array([False, False, True]), delta)
    assert delta.outcomes == {
        0: {
            (Outcome.RATED, Reason.NONE): 1,
            (Outcome.SUSPENDED, Reason.NO_ITEM): 1,
            (Outcome.DUPLICATE, Reason.NONE): 1,
        }
    }


def test_only_what_is_not_usage_is_quarantined() -> None:
    """Not what waits, nor what was quarantined before."""
    reason = np.array([Reason.NO_SOURCE, Reason.NO_SOURCE, Reason.NO_ITEM], np.int8)
    work = Work(delta=Delta())
    repeated = np.array([False, True, False])
    quarantine(usage(*MESSAGES), reason, repeated, [segment(MESSAGES)], (), work)
    assert [len(sent) for place, sent in work.outputs.items() if place[0] == QUARANTINE.name] == [1]
