"""Conditions: as asked for, else as records and device suggest."""

from dataclasses import replace

import devices
import pytest

from memfit.analysis.figures_of_merit.conditions import Conditions, alike, stated
from memfit.errors import InputError

P = devices.TRUTH


def test_records_say_what_is_usual(measured):
    full = stated(Conditions(), P, measured.records)
    assert full.amplitude == pytest.approx(P.V_T + 3 * P.V_m, rel=1e-3)
    assert full.rate in (0.05, 1.0)
    assert full.read < P.V_T - 2 * P.V_m
    assert full.warnings == ()


def test_without_records_the_device_says():
    full = stated(Conditions(), P, ())
    assert full.amplitude == pytest.approx(P.V_T + 4 * P.V_m, rel=0.02)
    assert full.rate > 0.0
    assert full.period == full.width + full.interval


def test_what_is_asked_for_holds():
    full = stated(Conditions(amplitude=-0.9, read=-0.2, count=7, base=0.1), P, ())
    assert (full.amplitude, full.read, full.count, full.base) == (-0.9, -0.2, 7, 0.1)


def test_a_read_above_threshold_is_warned_of():
    full = stated(Conditions(amplitude=1.2, read=0.85), P, ())
    assert "disturb" in full.warnings[0]
    assert "larger than the amplitude" in stated(Conditions(amplitude=0.5, read=0.6), P, ()).warnings[0]


@pytest.mark.parametrize("wrong", [{"rate": 0.0}, {"count": -1}, {"read": 0.0}, {"width": float("nan")}])
def test_conditions_that_make_no_sense(wrong):
    with pytest.raises(InputError, match="Expected"):
        Conditions(**wrong)


def test_devices_are_set_side_by_side_at_the_median_of_their_conditions():
    devices_ = [replace(P, V_T=V_T) for V_T in (0.5, 0.7, 0.9)]
    own = [stated(Conditions(), p, ()) for p in devices_]
    common = alike(Conditions(read=0.1), devices_)
    assert common.read == 0.1
    assert common.amplitude == pytest.approx(own[1].amplitude, rel=1e-2)
    assert stated(common, devices_[0], ()) == replace(stated(common, devices_[2], ()), warnings=())
