"""What a consumer's `mypy --strict` sees of the public names: types of every step, and mistakes named."""

import subprocess
import sys

import pytest

import memfit as mf

pytest.importorskip("mypy")

GOOD = """
import memfit as mf
from matplotlib.axes import Axes

device: mf.Device = mf.load("folder")
spectrum = device.spectra[0]
chosen: mf.Device = device.replaced(spectrum.masked(spectrum.frequency > 1e5)).without("a").only(kind="iv")
result: mf.FitResult = mf.fit(
    chosen,
    model="3d",
    fix={"R_s": "42 ohm"},
    bounds={"tau_d": ("1 ms", 1.0)},
    ties={"tau_k": "0.5 * tau_d"},
    gains="off",
    progress=True,
)
again = mf.fit(device, start=result, seed=1)
estimate: mf.Estimate = again.parameters["tau_d"]
value: float | None = estimate.value
forecast: mf.Forecast = result.predict(mf.pulse("current", 1e-5, on=0.1, off=0.5, end=1.0))
told: mf.Drive = mf.pulse("current", "20 uA", on="50 ms", off=0.4, end="0.8 s")
loop: mf.Drive = mf.sweep("voltage", [0.0, "0.9 V", 0], rate="50 mV/s")
axes: Axes = mf.plot.nyquist(device, result)
verdict: str = mf.stability(result)["current"]["verdict"]
sentences: tuple[str, ...] = mf.plan_next(result).sentences
columns = list(result.to_frame().columns)
labelled = result.correlation_frame().loc["R_b", "C_m"]
"""

BAD = """
import memfit as mf

device = mf.load("folder")
mf.fit(device, modell="2d")
mf.fit(device, gains="perhaps")
mf.fit("folder")
device.only(kind="spectrum")
reveal = mf.load(3)
mf.no_such_name
"""


@pytest.fixture(scope="module")
def said(tmp_path_factory) -> dict[str, list[str]]:
    """What `mypy --strict` says of programs of somebody else, by name."""
    folder = tmp_path_factory.mktemp("consumer")
    names = "import memfit as mf\n" + "".join(f"mf.{name}\n" for name in mf.__all__)
    programs = {"good": GOOD, "bad": BAD, "names": names}
    for name, code in programs.items():
        (folder / f"{name}.py").write_text(code)
    words = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", *(f"{n}.py" for n in programs)]
    done = subprocess.run(words, capture_output=True, text=True, cwd=folder, check=False)
    lines = [line for line in done.stdout.splitlines() if ": error:" in line]
    return {name: [line for line in lines if line.startswith(f"{name}.py")] for name in programs}


def test_a_program_of_somebody_else_is_typed(said):
    assert said["good"] == []


def test_mistakes_are_found_before_anything_runs(said):
    assert {int(line.split(":")[1]) for line in said["bad"]} == {5, 6, 7, 8, 9, 10}


def test_every_public_name_is_known_to_type_checkers(said):
    assert said["names"] == []
