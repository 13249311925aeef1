"""One block for each settlement partition, with sums and cells of its own agreements only."""

from __future__ import annotations

from pathlib import Path

from schemas.codes import Service
from schemas.topics import partition_of
from streams.contributing import Came, Contributing
from streams.contribution import Cover, Series, from_bytes
from streams.privacy import Tokens
from tests.builders import agreement_text, reference_dir, tables
from tests.makers import rated_of, usage
from tests.usage_makers import message, row

ITEM = (
    "{item: port, role: product, service: bandwidth, flow: receivable, "
    "measure: {of: percentile, percent: 95}, "
    "price: {kind: tiers, per: megabit_per_second, tiers: [{price: 1}]}}"
)


def test_sums_and_cells_go_where_their_agreement_is_settled(tmp_path: Path) -> None:
    """Two agreements in two partitions; every partition hears of the coverage."""
    names = ["ALFA-1", "ALFA-2", "ALFA-3", "ALFA-4"]
    text = "".join(agreement_text(ITEM, name=name) for name in names)
    keys = "".join(f"product,P-{name},{name},,\n" for name in names)
    header = "kind,key,agreement,valid_from,valid_upto\n"
    known = tables(reference_dir(tmp_path, agreements=text, attribution=header + keys))
    events = (
        row(Service.BANDWIDTH, sequence=n, product_instance=f"P-{name}")
        for n, name in enumerate(names)
    )
    batch = usage(*(message(Service.BANDWIDTH, event) for event in events))
    came = Came((Cover("usage.v1", 0, 0, 4),), {"msc-1": 5}, 6)
    contributing = Contributing(known, Tokens(b"key"), 2)
    found: dict[str, int] = {}
    for partition, data in contributing.blocks(batch, rated_of(batch, known), came):
        block = from_bytes(data)
        assert (block.covers, block.watermarks, block.log_time_us) == came
        summed = {Series.parse(text).agreement for text in block.sums.series.to_pylist()}
        celled = {Series.parse(text).agreement for text in block.cells.series.to_pylist()}
        assert summed == celled
        found |= dict.fromkeys(summed, partition)
    assert found == {name: partition_of(name, 2) for name in names}
    assert len(set(found.values())) == 2
