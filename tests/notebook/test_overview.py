"""Pictures of whole values: one call, and a figure in memfit's style."""

from dataclasses import replace

import pytest

from memfit.errors import InputError


def test_plots_of_values(measured, result):
    assert len(measured.plot()) == 6
    assert len(measured["pulse.csv"].plot()) == 2
    assert len(result.plot()) == 1, "without the data, what follows from the parameters"
    unknown = replace(result.parameters["tau_k"], value=None)
    bare = replace(result, parameters={**result.parameters, "tau_k": unknown})
    with pytest.raises(InputError, match="give the device"):
        bare.plot()
    axes = result.plot(measured)
    assert [one.get_ylabel().split(" (")[0] for one in axes] == ["|Z|", "I", "V", "Gain margin"]
