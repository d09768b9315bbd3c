"""Imports run down the floors of the house, and nobody inside imports from the face."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import memfit
from memfit.cli.main import COMMANDS

PACKAGE = Path(memfit.__file__).parent
REPOSITORY = Path(__file__).parents[1]
MODULES = sorted(PACKAGE.rglob("*.py"))


def test_the_contracts_hold():
    pytest.importorskip("importlinter")
    command = "from importlinter.cli import lint_imports; raise SystemExit(lint_imports(no_cache=True))"
    done = subprocess.run(
        [sys.executable, "-c", command], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_nobody_imports_from_the_face(path):
    """`from memfit import workflow` names a module; only the version may come from the face itself."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == "memfit":
            for alias in node.names:
                module = PACKAGE / alias.name
                assert alias.name == "__version__" or module.is_dir() or module.with_suffix(".py").is_file()
        if isinstance(node, ast.Import):
            assert all(alias.name != "memfit" for alias in node.names)


@pytest.mark.parametrize(
    ("command", "spared"),
    [
        (
            "report",
            {
                "memfit.batch",
                "memfit.analysis.comparison.compare",
                "scipy.interpolate",
            },
        ),
        (
            "fit",
            {
                "memfit.batch",
                "memfit.analysis.comparison.compare",
                "memfit.reporting.batch",
            },
        ),
        ("compare", {"memfit.batch", "memfit.analysis.design", "memfit.fitting.joint"}),
        ("plan", {"memfit.batch", "memfit.reporting.writers.folder", "memfit.analysis.comparison.compare"}),
    ],
)
def test_a_command_imports_what_it_needs_and_no_more(command, spared):
    program = f"import sys\n{chr(10).join(imports_of(command))}\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not {*spared, "pandas", "lmfit", "scipy.stats"} & set(done.stdout.split())


def imports_of(command):
    """Import statements of a command: those of its file, of its `run`, and of what that calls in the file."""
    run = COMMANDS[command].run
    tree = ast.parse(Path(run.__code__.co_filename).read_text(encoding="utf-8"))
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    called, waiting = {}, [run.__name__]
    while waiting:
        name = waiting.pop()
        if name in functions and name not in called:
            called[name] = functions[name]
            waiting += [node.id for node in ast.walk(functions[name]) if isinstance(node, ast.Name)]
    nodes = [*tree.body, *(node for function in called.values() for node in ast.walk(function))]
    return [ast.unparse(node) for node in nodes if isinstance(node, (ast.Import, ast.ImportFrom))]


def test_drawing_a_report_imports_records_of_a_fit_and_no_machinery_of_fitting():
    """What a report draws comes as plain arrays; nothing is fitted, nor evaluated by the rooms of a fit."""
    program = "import sys, memfit.reporting.fit.report, memfit.reporting.batch; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = {name for name in done.stdout.split() if name.startswith("memfit.fitting.")}
    assert loaded <= {
        f"memfit.fitting.{name}"
        for name in (
            *("own", "plan", "serialise", "ties", "results", "results.result", "results.findings"),
            *("results.handed", "results.soundness", "results.propagation"),
        )
    }
