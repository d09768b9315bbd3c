"""Values of the model from an independent integrator, and one place for what the tests of the model share."""

import json
from pathlib import Path

import pytest

from memfit.model.parameters import Parameters

REFERENCE = Path(__file__).parents[1] / "reference" / "model_values.json"
SETS = ("reduced_111", "si_perovskite", "si_spiking")


@pytest.fixture(scope="session")
def reference_file():
    """The reference values, or a reason to skip."""
    if not REFERENCE.is_file():
        pytest.skip("the reference values are not beside this clone")
    return json.loads(REFERENCE.read_text(encoding="utf-8"))


@pytest.fixture(params=SETS)
def reference(request, reference_file):
    """Parameters and values of one set."""
    values = reference_file[request.param]
    return Parameters(**values["parameters"]), values
