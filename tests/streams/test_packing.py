"""Blocks come back as they were packed, whatever the packer packed before."""

from __future__ import annotations

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from streams.packing import Packer, head, unpack

COLUMN = st.lists(st.none() | st.integers(-(2**62), 2**62), max_size=50)


@given(st.lists(st.tuples(COLUMN, st.text(max_size=5)), min_size=1, max_size=5))
def test_a_block_does_not_depend_on_those_before_it(blocks: list[tuple[list[int], str]]) -> None:
    """Large then small, small then large: each block is whole and has nothing of another."""
    packer = Packer()
    packed: list[bytes] = []
    for numbers, word in blocks:
        names = pa.array([word] * len(numbers), pa.string()).dictionary_encode()
        columns = {"n": pa.array(numbers, pa.int64()), "w": names}
        packed.append(packer.pack(columns, {"head": word}))
    for data, (numbers, word) in zip(packed, blocks, strict=True):
        batch = unpack(data)
        assert head(batch) == {"head": word}
        assert batch.column("n").to_pylist() == numbers
        assert batch.column("w").to_pylist() == [word] * len(numbers)
