"""Pulses of a drive: each level of its own, whatever stands before, after and between."""

import numpy as np
import pytest

from memfit.loaders.pulses import begins_inside, find_pulses, pulse_starts
from memfit.loaders.raw import Source
from memfit.loaders.registry import read_source
from memfit.protocols import drive_from_samples

T = np.arange(200) * 1e-3


def drive(*levels, rest=0.1):
    """From (start, end, level), in s and V."""
    v = np.full(T.size, rest)
    for start, end, level in levels:
        v[(start - 1e-9 <= T) & (end - 1e-9 > T)] = level
    return drive_from_samples("voltage", T, v)


@pytest.mark.parametrize(
    "levels",
    [
        [(0.02, 0.06, 0.5)],
        [(0.02, 0.06, 0.5), (0.06, 0.1, 0.9), (0.1, 0.15, -0.6)],
        [(0.02, 0.06, 0.9), (0.06, 0.1, -0.6)],
        [(0.02, 0.06, -0.9), (0.06, 0.1, 0.6)],
        [(0.02, 0.04, 0.9), (0.04, 0.06, 0.7), (0.06, 0.08, 0.5)],
        [(0.02, 0.06, 0.5), (0.08, 0.1, 0.5), (0.1, 0.12, -0.5)],
        [(0.0, 0.04, 1.0)],
        [(0.0, 0.04, 1.0), (0.1, 0.12, 1.0)],
        [(0.0, 0.04, -1.0), (0.04, 0.06, -0.5)],
    ],
)
@pytest.mark.parametrize("rest", [0.0, 0.1])
def test_every_level_is_a_pulse(levels, rest):
    found = find_pulses(drive(*levels, rest=rest))
    expected = levels if levels[0][0] > 0 or len(levels) < 2 or levels[1][0] > levels[0][1] else None
    if expected is None:  # two levels from the first sample on: nothing says which one is the rest
        return
    np.testing.assert_allclose([(p.start, p.end, p.level) for p in found], expected, atol=1e-6)


def test_a_ramp_through_zero_is_two_pulses():
    v = np.interp(T, [0, 0.05, 0.06, 0.1, 0.14, 0.15, 0.2], [0, 0, 1, 0, -1, 0, 0])
    assert [p.level for p in find_pulses(drive_from_samples("voltage", T, v))] == pytest.approx(
        [1, -1], abs=0.01
    )


def test_a_record_that_begins_inside_a_pulse_says_so():
    assert begins_inside(drive((0.02, 0.06, 0.5))) is None
    assert begins_inside(drive((0.0, 0.06, 0.5))).end == pytest.approx(0.06)
    v = np.where(T < 0.06, 0.5, 0.1)
    text = "# control: voltage\nTime (s),Voltage (V),Current (A)\n" + "".join(
        f"{t:.4f},{x},{1e-6 * x:.4g}\n" for t, x in zip(T, v, strict=True)
    )
    (record,) = read_source(Source("pulse.csv", text.encode()))
    assert "The record begins inside a pulse, at 0.5 V." in record.notes


def test_a_program_is_parted_at_its_rests_only():
    program = drive((0.02, 0.04, 0.9), (0.04, 0.06, -0.6), (0.12, 0.14, 0.9), (0.14, 0.16, -0.6))
    assert len(find_pulses(program)) == 4
    assert [T[k] for k in pulse_starts(program, T)] == pytest.approx([0.119])
