"""Figures of merit of devices that are compared: those of each fit, at conditions that all share."""

from dataclasses import replace

import comparing
import numpy as np
import pytest

from memfit.analysis.comparison import compare_results
from memfit.analysis.figures_of_merit.assemble import figures_of_merit
from memfit.analysis.figures_of_merit.conditions import Conditions
from memfit.errors import InputError

RESULTS = [
    comparing.result_of(name, replace(comparing.MIDDLE, V_T=V_T))
    for name, V_T in zip("abc", (0.66, 0.7, 0.72), strict=True)
]
NAMES = ("V_set", "on_off", "levels", "threshold_current")


@pytest.fixture(scope="module")
def comparison():
    return compare_results(RESULTS, merits=NAMES, conditions=Conditions(read=0.3))


def test_all_at_the_same_conditions(comparison):
    full = comparison.merits.conditions
    assert full.read == 0.3
    common = Conditions(
        **{name: getattr(full, name) for name in ("amplitude", "read", "rate", "width", "interval")}
    )
    for device, result in zip(comparison.devices, RESULTS, strict=True):
        alone = figures_of_merit(result, None, common, ("V_set", "on_off"))
        for name in ("V_set", "on_off"):
            found, known = device.merits[name], alone[name].predicted
            assert (found.value, found.stderr, found.ci95) == (known.value, known.stderr, known.ci95)


def test_they_are_quantities_of_the_comparison(comparison):
    _, y, v = comparison.sample.column("on_off")
    values = [device.merits["on_off"].value for device in comparison.devices]
    np.testing.assert_allclose(y, np.log(values))
    np.testing.assert_allclose(np.sqrt(v) * values, [d.merits["on_off"].stderr for d in comparison.devices])
    assert comparison.pooled["V_set"].devices == 3
    frame = comparison.to_frame()
    assert frame["V_set_V"].tolist() == [device.merits["V_set"].value for device in comparison.devices]
    plain = comparison.to_dict()
    assert plain["devices"][0]["figures_of_merit"]["V_set"]["unit"] == "V"
    assert plain["figures_of_merit_at"]["read"] == 0.3


def test_what_no_device_has_is_left_out_and_what_one_lacks_is_named(comparison):
    assert "levels" not in comparison.merits.names  # takes the noise of a record
    lacking = {one.label for one in comparison.omitted if one.what == "threshold_current"}
    known = {
        d.label
        for d in comparison.devices
        if "threshold_current" in d.merits and d.merits["threshold_current"].value
    }
    assert not lacking & known


def test_parameters_are_compared_as_without_them(comparison):
    alone = compare_results(RESULTS)
    assert alone.merits.names == ()
    assert comparison.trends == alone.trends
    for name in alone.pooled:
        assert comparison.pooled[name] == alone.pooled[name]


def test_a_figure_that_there_is_not():
    with pytest.raises(InputError, match="on_off"):
        compare_results(RESULTS, merits=("onoff",))
