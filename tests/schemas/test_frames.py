"""Messages find their group by the id in their frame, in whatever slices they are looked at."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import frames
from schemas.codes import Reason
from schemas.frames import by_schema

MESSAGES = st.lists(
    st.one_of(
        st.none(),
        st.binary(max_size=4),
        st.tuples(st.sampled_from([0, 1, 2, 255]), st.binary(max_size=3)).map(
            lambda m: bytes([0, 0, 0, 0, m[0]]) + m[1]
        ),
    ),
    max_size=12,
)


@given(MESSAGES, st.sampled_from([1, 3, 4096]))
def test_every_message_is_in_its_group_or_refused(values: list[bytes | None], step: int) -> None:
    """The id is the frame's last byte; what is shorter than a frame or has id 0 is refused."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(frames, "SLICE_MESSAGES", step)
        groups, refused = by_schema(values)
    ids = [value[4] if value is not None and len(value) > 4 else 0 for value in values]
    assert list(groups) == sorted({i for i in ids if i})
    for schema_id, group in groups.items():
        index = [at for at, i in enumerate(ids) if i == schema_id]
        assert group.index.tolist() == index
        assert group.values == [values[at] for at in index]
        assert group.size == sum(len(values[at] or b"") for at in index)
    assert sorted(r.message for r in refused) == [at for at, i in enumerate(ids) if i == 0]


def test_a_refusal_says_what_is_wrong() -> None:
    """Too short, nothing at all, another first byte, an id that is none."""
    _, refused = by_schema([b"\x00\x00", None, b"\x07\x00\x00\x00\x00", b"\x00\x00\x00\x01\x00"])
    assert [(r.message, r.reason) for r in refused] == [
        (0, Reason.BAD_MAGIC),
        (1, Reason.BAD_MAGIC),
        (2, Reason.BAD_MAGIC),
        (3, Reason.UNKNOWN_SCHEMA),
    ]
    assert refused[2].detail == "first byte is 7, not 0"
    assert refused[3].detail == "schema id 256 is not known"
