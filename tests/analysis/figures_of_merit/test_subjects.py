"""Which figures a record has."""

import devices
import numpy as np
import pytest

from memfit.analysis.figures_of_merit.conditions import Conditions, stated
from memfit.analysis.figures_of_merit.rows import FIGURES_OF_MERIT, rows_of
from memfit.analysis.figures_of_merit.subjects import of_protocol, of_records, standard
from memfit.datasets import IVSweep
from memfit.datasets.standard_protocols import protocol
from memfit.protocols import Drive
from memfit.synthetic.measurements import transient

P = devices.TRUTH
FULL = stated(Conditions(), P, ())


def test_records_have_the_figures_of_their_kind(measured):
    found = list(of_records(measured.records, FULL))
    assert [one.group for one in found] == ["loop", "loop", "pulse", "pulse"]
    assert found[0].conditions["rate"] == pytest.approx(0.05, rel=1e-6)
    assert found[2].figures == ("energy_per_pulse",)


@pytest.mark.parametrize(
    ("name", "settings", "group"),
    [
        ("paired_pulses", {"width": 0.01, "interval": 0.01}, "pair"),
        (
            "potentiation_depression",
            {"depression": 0.3, "width": 0.01, "period": 0.03, "count": 5, "read": 0.4},
            "train",
        ),
        ("retention", {"width": 0.01, "read": 0.4, "read_width": 0.001, "duration": 0.5}, "retention"),
    ],
)
def test_a_measured_protocol_is_recognised(name, settings, group):
    planned = [transient(protocol(name, amplitude=1.0, **settings).drive, points=4001, file="pulses.csv")]
    (found,) = of_records(devices.exact(planned).records, FULL)
    assert found.group == group
    held = found.drive.at(found.time)
    values = found.evaluate(held, found.record.response)
    assert {row.name for row in rows_of(group)} <= set(values)
    assert np.isfinite(values["energy_per_pulse"])
    asked = of_protocol(group, name, {"amplitude": 1.0, **settings}, FULL.read)
    own = devices.exact([transient(asked.drive, points=40001, file="x.csv")]).records[0]
    dense = next(of_records([own], FULL))
    fine = dense.evaluate(dense.drive.at(dense.time), own.response)
    for row in rows_of(group):
        if np.isfinite(fine[row.name]) and row.name not in ("levels",):
            assert values[row.name] == pytest.approx(fine[row.name], rel=0.05), row.name


def test_a_staircase_has_the_rate_of_its_steps():
    start = np.arange(41.0)
    level = 0.02 * np.minimum(start, 40.0 - start)
    drive = Drive("voltage", np.repeat(start, 2)[1:], np.repeat(level, 2)[:-1], "steady")
    time = start[:-1] + 0.5
    held = drive.at(time)
    shared = {"name": "steps.csv", "voltage": held, "current": 1e-6 * held, "time": time, "drive": drive}
    for stated_rate, rate in ((0.021, 0.021), (None, 0.02)):
        (found,) = of_records([IVSweep(control="voltage", scan_rate=stated_rate, **shared)], FULL)
        assert found.conditions["rate"] == pytest.approx(rate, rel=0.03)


def test_the_standard_protocols(sheet):
    made = standard(FULL, 1e-9)
    assert list(made) == ["loop", "pair", "train", "retention"]
    assert set(made["train"].figures) <= set(FIGURES_OF_MERIT)
    assert made["train"].counts == (FULL.count, FULL.count)
