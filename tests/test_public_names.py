"""The face of the package: what it promises is there, and looking at it costs nothing."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import memfit

PACKAGE = Path(memfit.__file__).parent
HEAVY = ("numpy", "scipy", "pandas", "matplotlib", "lmfit", "numba", "impedance", "jinja2")

PROMISED = {
    "Circuit", "Comparison", "Conditions", "Device", "Drive", "Estimate", "FiguresOfMerit", "FitPlan",
    "FitResult", "Forecast", "IVSweep", "ImpedanceSpectrum", "Look", "MemfitError", "Noise", "Parameters",
    "Part", "PulseTransient", "SynapticCurve", "bifurcation_diagram", "bootstrap", "check_spectrum",
    "compare", "cycles_at",
    "device_from_frames", "equations", "figures_of_merit", "find_hopf_points", "fit", "fit_again",
    "fit_many", "impedance", "impedance_circuit", "linear", "lmfit_models", "load",
    "map_over_bias_and_load", "map_over_parameters", "operating_points", "plan_next", "plot", "predict",
    "profile", "protocol", "pulse", "pulse_train", "query", "read_result", "record_from_frame",
    "register_impedance_elements", "remake_report", "sample_posterior", "simulate", "simulate_device",
    "stability", "stability_at", "staircase", "sweep", "write_comparison", "write_report",
}  # fmt: skip


def imported_by(code: str) -> set[str]:
    """Which heavy packages a fresh interpreter has imported after some code."""
    probe = f"{code}\nimport json, sys\nprint(json.dumps([n for n in {HEAVY!r} if n in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_the_promise():
    assert set(memfit.__all__) == PROMISED
    assert list(memfit.__all__) == sorted(memfit.__all__)
    assert set(dir(memfit)) == {*PROMISED, "__version__"}, "nothing else is offered"


@pytest.mark.parametrize("name", sorted(PROMISED))
def test_every_name_is_there_and_documented(name):
    assert getattr(memfit, name).__doc__


def test_type_checkers_see_the_same_names():
    """The stub for type checkers, the table of homes and the list of names agree."""
    stub = ast.parse((PACKAGE / "__init__.pyi").read_text(encoding="utf-8"))
    seen = {
        (statement.module, alias.name)
        for statement in stub.body
        if isinstance(statement, ast.ImportFrom)
        for alias in statement.names
    }
    assert seen == {(home, name) for home, names in memfit._HOMES.items() for name in names}
    assert {name for _, name in seen} == PROMISED


def test_an_unknown_name():
    with pytest.raises(AttributeError, match="no attribute 'fitt'"):
        memfit.fitt  # noqa: B018


def test_importing_memfit_imports_nothing_heavy():
    assert imported_by("import memfit") == set()
    assert "numpy" in imported_by("import memfit; memfit.Parameters")


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["fit", "--help"], ["fit"], ["nonsense"], []])
def test_help_and_mistakes_in_usage_import_nothing_heavy(words):
    code = (
        "from memfit.cli.main import main\n"
        f"try:\n    main({words!r})\nexcept SystemExit as end:\n    assert end.code in (0, 2), end.code"
    )
    assert imported_by(code) == set()
