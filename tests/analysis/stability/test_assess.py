"""Verdicts, the block of result.json, and what is said where nothing can be known."""

import json
from dataclasses import replace

import numpy as np
import pytest
from devices import device

from memfit.analysis.comparison.compare import compare_results
from memfit.analysis.design import plan_next
from memfit.analysis.stability.assess import DEFAULT_CIRCUITS, _is_unstable, analyse_result, assess
from memfit.analysis.stability.circuit import Circuit
from memfit.analysis.stability.hopf import CHANGEABLE
from memfit.analysis.stability.sampling import draw, probability_of_oscillation, stability_at
from memfit.batch.columns import row_of_result
from memfit.cli.text_output import fit_text
from memfit.fitting import Estimate, FitPlan, FitResult, SpectrumAlone, Status, to_plain
from memfit.fitting.results.propagation import uncertainty_of
from memfit.fitting.results.result import Goodness
from memfit.model import NAMES, UNITS, Loop, Parameters, least_log_gain_margin
from memfit.model.hopf_boundary import hopf_voltage_derivatives
from memfit.reporting.fit.summary import answers
from memfit.workflow.fitting import fit_records

DEVICE = Parameters(R_b=1e5, C_m=1e-7, i_c0=1e-4, V_T=0.7, V_m=0.06, tau_d=5e-3, tau_k=0.2, R_s=50.0)
FITTED = ("R_b", "C_m", "i_c0", "V_T", "V_m", "tau_d", "tau_k")
LOG = tuple(name for name in FITTED if name != "V_T")
KEYS = {
    "verdict",
    "probability_oscillates",
    "hopf_points",
    "gain_margin_min",
    "gain_margin_ci95",
    "at_u",
    "changes_to_hopf",
}


@pytest.fixture(scope="module")
def fitted():
    """The result of a device that the model describes; it is stable."""
    return fit_records(device(), FitPlan(model="3d")).result


def with_margin(margin):
    """The device with another saturation current, so that its gain margin is `margin`."""
    present = np.exp(least_log_gain_margin(Loop.of(DEVICE)))
    return DEVICE.replace(i_c0=DEVICE.i_c0 * float(present) / margin)


def errors(relative):
    """Independent relative errors of the fitted parameters."""
    return np.eye(len(FITTED)) * relative**2


def result(p=DEVICE, relative=0.02, undetermined=(), code="ok"):
    """A fit result with these parameters."""
    return FitResult(
        model=p.model,
        status=Status(code=code, message=""),
        parameters={
            name: Estimate(
                value=None if name in undetermined else value,
                unit=UNITS[name],
                status="undetermined" if name in undetermined else "determined",
            )
            for name, value in p.as_dict().items()
        },
        covariance_names=FITTED if relative else (),
        covariance=tuple(map(tuple, errors(relative).tolist())) if relative else (),
        logarithmic=LOG,
        goodness=Goodness(chi2=1.0, dof=1, chi2_reduced=1.0, aic=0.0, bic=0.0),
    )


@pytest.mark.parametrize(
    ("margin", "relative", "verdict"),
    [
        (0.5, None, "oscillates"),
        (1.1, None, "near"),
        (2.0, None, "stable"),
        (0.5, 0.02, "oscillates"),
        (0.97, 0.02, "near"),
        (1.03, 0.02, "near"),
        (1.1, 0.002, "near"),
        (2.0, 0.02, "stable"),
        (2.0, 0.3, "near"),
        (2.0, 3.0, "undetermined"),
    ],
)
def test_verdicts(margin, relative, verdict):
    covariance = None if relative is None else errors(relative)
    found = assess(with_margin(margin), Circuit(), covariance, FITTED, LOG)
    assert found.verdict == verdict
    if verdict == "undetermined":
        assert found.gain_margin_min is None
        assert found.probability_oscillates is None
        return
    assert found.gain_margin_min == pytest.approx(margin, rel=1e-12)
    assert len(found.hopf_points) == (2 if margin < 1.0 else 0)
    if relative is None:
        assert found.probability_oscillates is None
        assert found.gain_margin_ci95 is None
    else:
        low, high = found.gain_margin_ci95
        assert low < margin < high
        assert (found.probability_oscillates > 0.5) == (margin < 1.0)


def test_the_block_has_the_keys_of_the_contract():
    block = analyse_result(result())
    assert list(block) == ["current", "voltage"]
    for entry in block.values():
        assert set(entry) >= KEYS
        assert set(CHANGEABLE) <= set(entry["changes_to_hopf"])
    json.dumps(to_plain(block), allow_nan=False)
    point = block["current"]["hopf_points"][0]
    assert set(point) == {
        "u",
        "V",
        "I",
        "omega",
        "frequency_Hz",
        "criticality",
        "u_ci95",
        "frequency_ci95_Hz",
    }
    low, high = point["u_ci95"]
    assert low < point["u"] < high
    assert block["current"]["message"].startswith(
        "Under current control the device oscillates, unstable from"
    )
    assert block["voltage"]["verdict"] == "stable"


def test_the_block_goes_to_json_and_back():
    full = result()
    data = {
        **full.to_dict(),
        "stability": {name: one.to_dict() for name, one in analyse_result(full).items()},
    }
    assert FitResult.from_dict(data).stability == analyse_result(full)


def test_hopf_intervals_are_as_wide_as_linear_propagation_far_from_tangency():
    p, relative = with_margin(0.2), 0.005
    found = assess(p, Circuit(), errors(relative), FITTED, LOG)
    for point in found.hopf_points:
        low, high = point.u_ci95
        slope = hopf_voltage_derivatives(p, (point.u - p.V_T) / p.V_m)
        by_fitted = [slope[NAMES.index(n)] * (1.0 if n == "V_T" else getattr(p, n)) for n in FITTED]
        width = 2 * 1.96 * relative * np.linalg.norm(by_fitted)
        assert high - low == pytest.approx(width, rel=0.06)


def test_a_result_without_covariance_has_no_intervals():
    block = analyse_result(result(relative=None))["current"]
    assert block["verdict"] == "oscillates"
    assert block["probability_oscillates"] is None
    assert block["gain_margin_ci95"] is None
    assert block["hopf_points"][0]["u_ci95"] is None


def test_an_undetermined_parameter_is_no_verdict():
    block = analyse_result(result(undetermined=("tau_k",)))["current"]
    assert block["verdict"] == "undetermined"
    assert "do not determine tau_k" in block["message"]
    assert block["gain_margin_min"] is None
    assert set(block["changes_to_hopf"].values()) == {None}
    assert analyse_result(result(code="not_converged"))["current"]["verdict"] == "undetermined"


def test_the_2d_model_says_that_it_cannot_oscillate():
    found = assess(DEVICE.replace(tau_k=0.0), Circuit(), errors(0.1), FITTED, LOG)
    assert found.verdict == "stable"
    assert found.probability_oscillates == 0.0
    assert found.message.startswith(
        "The 2D model has two lags at most and cannot oscillate. At u = V_T it rings"
    )
    quiet = assess(DEVICE.replace(tau_k=0.0, i_c0=1e-9), Circuit())
    assert "relaxes without ringing" in quiet.message


def test_a_pinned_voltage_is_said():
    found = assess(DEVICE.replace(R_s=0.0), Circuit(control="voltage"))
    assert found.verdict == "stable"
    assert "cannot oscillate in this circuit" in found.message
    assert found.values_to_hopf["R_load"] > 0.0
    assert found.gain_margin_min is None


def test_the_default_circuits():
    assert {name: circuit.control for name, circuit in DEFAULT_CIRCUITS.items()} == {
        "current": "current",
        "voltage": "voltage",
    }


@pytest.mark.parametrize("margin", [0.9999, 1.0001])
def test_at_tangency_the_statement_stays_honest(margin):
    found = assess(with_margin(margin), Circuit(), errors(0.05), FITTED, LOG)
    assert found.verdict == "near"
    assert 0.4 < found.probability_oscillates < 0.6
    low, high = found.gain_margin_ci95
    assert low < 0.9
    assert high > 1.1
    if margin < 1.0:
        lower, upper = found.hopf_points
        for point in (lower, upper):
            assert point.u_ci95[0] < point.u < point.u_ci95[1]
            assert point.frequency_ci95_Hz[0] < point.frequency_Hz < point.frequency_ci95_Hz[1]
        # Where the points merge the window is a square root: its interval is one-sided, not symmetric.
        assert found.window_u_ci95[1] > 10.0 * (upper.u - lower.u)
        assert found.window_u_ci95[0] > 0.0
    else:
        assert found.hopf_points == ()


def test_the_probability_at_a_bias_is_at_most_that_anywhere():
    p = with_margin(0.97)
    uncertainty = uncertainty_of(p, errors(0.05), FITTED, LOG)
    sample = draw(p, Circuit(), uncertainty, seed=0)
    anywhere = probability_of_oscillation(p, Circuit(), uncertainty, sample)
    at_bias = [
        stability_at(p, Circuit(), bias, uncertainty=uncertainty).probability_unstable
        for bias in np.linspace(0.4, 0.9, 51)
    ]
    assert 0.05 < max(at_bias) <= anywhere
    assert at_bias[0] < 0.01


def test_a_member_is_asked_without_each_record_too():
    """A verdict that one record alone carries is withheld for members of the family as for the plainest."""
    p = Parameters(R_b=1.2e5, C_m=2.5e-7, i_c0=2.8e-5, V_T=0.65, V_m=0.062, tau_d=0.026, tau_k=0.048)
    circuit = Circuit(control="current")
    assert _is_unstable(p, circuit) is True
    assert _is_unstable(p.replace(p_k=0.98, q_k=0.0), circuit) is True
    assert _is_unstable(p.replace(R_1=0.02 * p.R_b, C_1=50 * p.C_m), circuit) is False


def test_measured_spectra_go_before_the_model_everywhere(fitted):
    """In the verdict, and first on the terminal, in a plan, a comparison and a row of a batch."""
    alone = SpectrumAlone(
        file="eis.csv",
        unstable=True,
        model_unstable=False,
        gain_margin=0.8,
        gain_margin_ci95=(0.7, 0.9),
        sentence="eis.csv by itself is unstable.",
    )
    result = replace(fitted, spectra_alone=(alone,))
    result = replace(result, stability=analyse_result(result))
    block = result.stability["current"]
    assert (block.verdict, block.probability_oscillates) == ("oscillates", None)
    assert (block.gain_margin_min, block.gain_margin_ci95) == (0.8, (0.7, 0.9))
    assert block.message == block.measured == block.probability_reason == alone.sentence
    assert result.stability["voltage"] == analyse_result(fitted)["voltage"]
    loaded = analyse_result(result, {"loaded": Circuit(external_capacitance=1e-9)})
    assert not loaded["loaded"].measured
    stored = FitResult.from_json(result.to_json())
    assert stored.spectra_alone == (alone,)
    assert fit_text(stored).splitlines()[1].startswith("Will it spike? Yes, by its own spectra")
    assert answers(stored)[0].headline.startswith("Yes, by its own spectra")
    assert plan_next(stored).sentences[0] == alone.sentence
    assert row_of_result(json.loads(result.to_json()), "d")["message"].startswith(alone.sentence)
    found = compare_results([stored, replace(fitted, device={"name": "other"})])
    assert any(alone.sentence in note for note in found.notes)


def test_a_stable_spectrum_inside_the_predicted_window_takes_the_verdict_back(fitted):
    alone = SpectrumAlone(
        file="eis.csv",
        unstable=False,
        model_unstable=True,
        gain_margin=None,
        gain_margin_ci95=None,
        sentence="eis.csv by itself is stable.",
    )
    p = fitted.values().replace(i_c0=30.0 * fitted.values().i_c0)
    values = {n: replace(e, value=getattr(p, n)) for n, e in fitted.parameters.items()}
    result = replace(fitted, parameters=values)
    assert analyse_result(result)["current"].verdict == "oscillates"
    result = replace(result, spectra_alone=(alone,))
    block = analyse_result(result)["current"]
    assert (block.verdict, block.probability_oscillates) == ("undetermined", None)
    assert block.message.startswith(alone.sentence)
    assert block.gain_margin_min is None
    headline = answers(replace(result, stability={"current": block}))[0].headline
    assert headline == "The data do not say: measured spectra contradict the model."
