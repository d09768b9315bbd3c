"""A synthetic device that spikes, fitted once, with everything in its result that a report can show."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from memfit.fitting import Alternative, Excluded, FittedRecord, plan_for
from memfit.model import Parameters
from memfit.synthetic import measurements
from memfit.synthetic.measurements import simulate_device
from memfit.workflow.fitting import fit_records

TRUTH = Parameters(R_b=12e3, C_m=1.1e-6, i_c0=0.9e-3, V_T=0.95, V_m=0.055, tau_d=0.012, tau_k=0.025, R_s=22.0)
ENVIRONMENT = {
    "python": "3.11.7",
    "packages": {"numpy": "2.4.6", "scipy": "1.17.1"},
    "platform": "Linux-x86_64",
    "started": "2026-11-23T10:00:00+00:00",
    "seconds": 1.2,
}


@pytest.fixture(scope="session")
def found():
    """The fit as it comes: eight spectra, three loops, three pulses."""
    device = simulate_device(
        TRUTH,
        measurements.default_measurements(TRUTH),
        seed=2022,
        name="MAPbI3 7B",
        area=4e-6,
        temperature=298.0,
        attributes={"composition": "MAPbI3", "batch": "7"},
    )
    return fit_records(device, plan_for(device.settings))


@pytest.fixture(scope="session")
def fitted(found):
    """The records beside the model, one point of the first spectrum left out."""
    first = found.fitted[0]
    used = first.used.copy()
    used[7] = False
    return (
        FittedRecord(record=first.record, predicted=first.predicted, sigma=first.sigma, used=used),
        *found.fitted[1:],
    )


@pytest.fixture(scope="session")
def result(found, fitted):
    """The result with an excluded point, another minimum, a warning and a fixed environment."""
    values = found.result.values().as_dict()
    weak = replace(found.result.parameters["tau_k"], status="weak")
    return replace(
        found.result,
        parameters={**found.result.parameters, "tau_k": weak},
        alternatives=(
            Alternative(
                parameters={**values, "tau_d": values["tau_k"], "tau_k": values["tau_d"]},
                chi2=9214.2,
                note="tau_d and tau_k swapped",
            ),
        ),
        excluded=(Excluded(file=fitted[0].record.name, index=7, at="f = 50 Hz", reason="mains hum"),),
        warnings=("The I-V sweeps and the spectra disagree on R_b by 2.1 standard errors.",),
        environment=ENVIRONMENT,
    )


@pytest.fixture(scope="session")
def of_kind(fitted):
    """The first record of each kind."""
    return {item.record.kind: item for item in reversed(fitted)}


@pytest.fixture
def rng():
    """A generator with a fixed seed."""
    return np.random.default_rng(5)


@pytest.fixture
def axes():
    """Empty axes of a figure that can be drawn."""
    figure = Figure(figsize=(3, 3))
    FigureCanvasAgg(figure)
    return figure.add_axes((0.1, 0.1, 0.8, 0.8))
