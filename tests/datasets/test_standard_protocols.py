"""The protocols of the field: drives as they say, samples where they count."""

import numpy as np
import pytest

from memfit.datasets.standard_protocols import BUILDERS, DIMENSIONS, protocol, settings_of
from memfit.errors import InputError

EXAMPLES = {
    "triangle": {"amplitude": 1.0, "rate": 0.5, "low": -0.5, "cycles": 2},
    "paired_pulses": {"amplitude": 0.8, "width": 0.01, "interval": 0.03},
    "potentiation_depression": {
        "amplitude": 0.8,
        "depression": -0.4,
        "width": 0.01,
        "period": 0.05,
        "count": 3,
        "read": 0.1,
    },
    "retention": {"amplitude": 0.8, "width": 0.01, "read": 0.1, "read_width": 0.001, "duration": 1.0},
    "spike_train": {"amplitude": 0.8, "width": 0.01, "frequency": 20.0, "count": 4},
    "constant": {"amplitude": 1e-5, "duration": 2.0},
}


@pytest.mark.parametrize("name", BUILDERS)
def test_every_protocol_is_made(name):
    made = protocol(name, **EXAMPLES[name])
    assert made.name == name
    assert made.drive.time[0] == 0.0
    assert np.all(np.diff(made.time) >= 0.0)
    assert np.max(made.drive.value) == EXAMPLES[name]["amplitude"]
    assert set(settings_of(name)) <= set(DIMENSIONS)


def test_a_triangle_turns_where_it_should():
    made = protocol("triangle", **EXAMPLES["triangle"])
    np.testing.assert_allclose(made.drive.value, [0.0, 1.0, -0.5, 0.0, 1.0, -0.5, 0.0])
    np.testing.assert_allclose(np.diff(made.drive.time), [2.0, 3.0, 1.0, 2.0, 3.0, 1.0])


def test_the_interval_is_from_end_to_start():
    made = protocol("paired_pulses", **EXAMPLES["paired_pulses"])
    rises = made.drive.time[1:][np.diff(made.drive.value) > 0.0]
    assert rises[1] - rises[0] == pytest.approx(0.04)


def test_a_read_follows_every_pulse():
    made = protocol("potentiation_depression", **EXAMPLES["potentiation_depression"])
    levels = [
        v for v, w in zip(made.drive.value[:-1], made.drive.value[1:], strict=True) if v == w and v != 0.0
    ]
    assert levels == [0.8, 0.1] * 3 + [-0.4, 0.1] * 3


def test_reads_of_a_retention_grow_apart():
    made = protocol("retention", **EXAMPLES["retention"])
    reads = made.drive.time[1:][np.diff(made.drive.value) == 0.1]
    gaps = np.diff(reads)
    assert np.all(gaps > 0.0012)
    assert gaps[-1] > 10.0 * gaps[0]
    assert made.drive.time[-1] == pytest.approx(0.015 + 1.0, rel=0.01)


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("triangles", {}, "Expected the name"),
        ("triangle", {"speed": 1.0}, "speed is none of them"),
        ("triangle", {"rate": -1.0}, "above 0"),
        ("triangle", {"cycles": 1.5}, "whole number"),
        ("paired_pulses", {"width": np.nan}, "a number for width"),
        ("triangle", {"amplitude": 0.0}, "other than 0"),
    ],
)
def test_what_makes_no_sense_is_refused(name, change, words):
    with pytest.raises(InputError, match=words):
        protocol(name, **{**EXAMPLES.get(name, {}), **change})


def test_texts_with_units_are_as_good_as_numbers():
    found = protocol("triangle", control="current", amplitude="2 uA", rate="1 uA/s", cycles=2)
    assert found.settings == {"amplitude": pytest.approx(2e-6), "rate": pytest.approx(1e-6), "cycles": 2}
    assert found.drive.time[-1] == pytest.approx(8.0)
    with pytest.raises(InputError, match="Expected a unit of time"):
        protocol("constant", amplitude=1.0, duration="1 V")
    with pytest.raises(InputError, match='Expected the control "voltage" or "current"'):
        protocol("constant", control="volt", amplitude=1.0, duration=1.0)


def test_what_is_missing_is_named():
    with pytest.raises(InputError, match="rate is missing"):
        protocol("triangle", amplitude=1.0)
