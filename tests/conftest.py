"""The sample devices, each fitted once for all tests."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from memfit.cli.main import main

settings.register_profile("memfit", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("memfit")  # no test fails because the machine is busy

SAMPLE_DATA = Path(__file__).parents[1] / "sample_data"
SAMPLES = ("mapbi3_a", "mapbi3_b", "mapbi3_c", "mapbi3_d_instruments")


@dataclass(frozen=True)
class SampleFit:
    """What `memfit fit` made of a sample device."""

    data: Path
    truth: Path
    out: Path
    code: int


@pytest.fixture(scope="session")
def sample_data() -> Path:
    return SAMPLE_DATA


@pytest.fixture(scope="session")
def sample_fits(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, SampleFit]:
    """`memfit fit` of each sample device, run once a session."""
    folder = tmp_path_factory.mktemp("fits")
    found = {}
    for name in SAMPLES:
        data, truth, out = SAMPLE_DATA / name, SAMPLE_DATA / "truth" / f"{name}.toml", folder / name
        code = main(["fit", str(data), "-o", str(out), "--quiet"])
        found[name] = SampleFit(data, truth, out, code)
    return found
