"""What a report says of the parts of a device."""

from dataclasses import replace

import pytest
from made_members import PARTS, device

from memfit.fitting.joint import fit
from memfit.fitting.results.findings import Member, MisfitFound
from memfit.reporting.content import SENTENCES, Bullets, Panels, Table, composition
from memfit.reporting.fit.device import device_blocks


@pytest.fixture(scope="module")
def result():
    return fit(device(**PARTS["conductance"])).result


def test_parts_are_shown_with_their_evidence(result):
    blocks = [block for block in device_blocks(result) if block is not None]
    told = next(block for block in blocks if isinstance(block, Bullets)).items
    assert told == (result.parts_found[0].sentence,)
    table = next(block for block in blocks if isinstance(block, Table))
    assert table.rows[0][0] == "channel that conducts"
    panels = next(block for block in blocks if isinstance(block, Panels))
    assert panels.items[0].key == "device"


def test_models_that_are_as_good_are_listed(result):
    other = Member(parts=("leak",), bic=1.0, weight=0.4, status="ok", probability_oscillates=0.25)
    several = replace(result, members=(replace(result.members[0], weight=0.6), other))
    tables = [block for block in device_blocks(several) if isinstance(block, Table)]
    rows = next(table.rows for table in tables if table.key == "members")
    assert [row[0] for row in rows] == ["channel that conducts", "leak that grows with voltage"]


def test_a_plain_device_asks_for_nothing(result):
    plain = replace(result, parts=(), parts_found=(), members=(replace(result.members[0], parts=()),))
    told = next(block for block in device_blocks(plain) if isinstance(block, Bullets)).items
    assert told == (SENTENCES["plainest_suffices"],)


def test_where_no_part_helps_the_plainest_device_is_not_said_to_describe_the_data(result):
    plain = replace(result, parts=(), parts_found=(), members=(replace(result.members[0], parts=()),))
    failed = replace(
        plain,
        misfit=MisfitFound(large=True, certain=True, probability=0.0, widening=1.0, sentence="It fails."),
    )
    told = next(block for block in device_blocks(failed) if isinstance(block, Bullets)).items
    assert told == (SENTENCES["no_part_helps"],)


def test_parts_in_words():
    assert composition(()) == ""
    assert composition(("branch", "conductance")) == "ionic branch and channel that conducts"
