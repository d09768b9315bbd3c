"""Everything that a release is held against, in one command: `nox` (pip install nox).

    nox -l                      what there is
    nox                         all of it: Python 3.11 to 3.13, oldest and newest dependencies, both packages
    nox -s "tests-3.12(newest)" one of them

Pythons that are not there are skipped, and named. The built wheel is tested, never the working folder.
"""

import re
import tempfile
import tomllib
from pathlib import Path

import nox

PYTHONS = ("3.11", "3.12", "3.13")
FIRST_WITH_WHEELS = {
    "3.12": {"numpy": "1.26", "scipy": "1.11.2", "pandas": "2.1.1", "matplotlib": "3.8", "numba": "0.59"},
    "3.13": {"numpy": "2.1", "scipy": "1.14.1", "pandas": "2.2.3", "matplotlib": "3.9.2", "numba": "0.61"},
}
"""Oldest versions that were published for a Python newer than the oldest one."""
BESIDE_OLDEST = ("pyparsing<3.3",)
"""What the oldest versions use and have no limit for: later ones warn of what matplotlib 3.8 asks of them."""
ROOT = Path(__file__).parent
nox.options.error_on_missing_interpreters = False
nox.options.default_venv_backend = "venv"


def build(session: nox.Session) -> tuple[Path, Path]:
    """The wheel and the sdist, made anew in a folder of their own and checked as PyPI checks them."""
    session.install("build", "twine")
    out = Path(session.create_tmp()) / "dist"
    session.run("python", "-m", "build", "--outdir", str(out), str(ROOT), silent=True)
    files = sorted(out.iterdir())
    session.run("twine", "check", "--strict", *map(str, files))
    (wheel,) = (file for file in files if file.suffix == ".whl")
    (sdist,) = (file for file in files if file.name.endswith(".tar.gz"))
    return wheel, sdist


def oldest(python: str) -> list[str]:
    """Every dependency pinned to the oldest version that pyproject.toml allows and this Python has."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    pins = []
    for requirement in project["dependencies"]:
        name, version = re.fullmatch(r"([\w-]+)>=([\d.]+)", requirement).groups()
        pins.append(f"{name}~={_three(FIRST_WITH_WHEELS.get(python, {}).get(name, version))}")
    return [*pins, *BESIDE_OLDEST]


def _three(version: str) -> str:
    """A version with three numbers: `~=` then allows its patches only."""
    return version if version.count(".") > 1 else f"{version}.0"


@nox.session(python=PYTHONS)
@nox.parametrize("dependencies", ["newest", "oldest"], ids=["newest", "oldest"])
def tests(session: nox.Session, dependencies: str) -> None:
    """The tests, run against the installed wheel: from a folder in which the sources are not."""
    wheel, _ = build(session)
    session.install(f"{wheel}[test]", *(oldest(str(session.python)) if dependencies == "oldest" else []))
    with tempfile.TemporaryDirectory() as folder:
        away = Path(folder)
        for name in ("tests", "sample_data", "examples", "docs", "benchmarks", "README.md", "CHANGELOG.md"):
            (away / name).symlink_to(ROOT / name)
        for name in ("pyproject.toml", "CITATION.cff", "codemeta.json", "CONTRIBUTING.md"):
            (away / name).symlink_to(ROOT / name)
        session.chdir(away)
        session.run(
            "python", "-c", "import memfit; assert 'site-packages' in memfit.__file__, memfit.__file__"
        )
        chosen = session.posargs or ["tests", "--ignore=tests/test_house.py", "--ignore=tests/test_docs.py"]
        # Old packages beside new ones warn of each other: that is no fault of memfit.
        warnings = ["-W", "default"] if dependencies == "oldest" else []
        session.run("python", "-m", "pytest", "-q", "-n", "2", "--dist", "loadfile", *warnings, *chosen)


@nox.session(python=PYTHONS[0])
def packages(session: nox.Session) -> None:
    """Wheel and sdist as PyPI checks them, each installed in a clean environment, where it fits a device."""
    for package in build(session):
        session.run("python", "-m", "pip", "uninstall", "-y", "-q", "memfit")
        session.install(str(package))
        session.run("memfit", "--version")
        with tempfile.TemporaryDirectory() as folder:
            out = str(Path(folder) / "out")
            session.run(
                "memfit", "fit", str(ROOT / "sample_data" / "mapbi3_c"), "-o", out, "--quiet", silent=True
            )


@nox.session(python=PYTHONS[0])
def types(session: nox.Session) -> None:
    """The public names as a consumer's `mypy --strict` sees them."""
    wheel, _ = build(session)
    session.install(str(wheel), "mypy", "pandas-stubs")
    session.run("python", "-m", "pip", "install", "-q", "pytest")
    alone = ("-p", "no:cacheprovider", "--noconftest")  # which needs more than a consumer has
    session.run("python", "-m", "pytest", "-q", *alone, "tests/test_types_from_outside.py")


@nox.session(python=PYTHONS[0])
def style(session: nox.Session) -> None:
    """Style, types, imports and documentation, from the sources."""
    session.install("-e", f"{ROOT}[test,docs]")
    for command in (("ruff", "check", "."), ("ruff", "format", "--check", "."), ("mypy",), ("lint-imports",)):
        session.run(*command)
    session.run("sphinx-build", "-W", "--keep-going", "-q", "docs", "docs/_build/html")
