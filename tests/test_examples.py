"""Every example runs, and what it claims holds (each checks its own claims)."""

import runpy
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "examples"
EXAMPLES = sorted([*FOLDER.glob("*.py"), *FOLDER.glob("paper/fig*.py")])

agree = runpy.run_path(str(FOLDER.parent / "docs" / "blocks.py"))["agree"]


def test_there_are_examples():
    assert EXAMPLES


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_example_runs(example, tmp_path):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-W", "ignore:::pyparsing", str(example)],  # which -W asks for more
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
    if example.parent.name == "paper":
        page = (FOLDER.parent / "docs" / "paper_figures.md").read_text(encoding="utf-8").splitlines()
        for row in (line for line in done.stdout.splitlines() if line.startswith("|")):
            assert any(agree(line, row) for line in page), f"docs/paper_figures.md lacks {row}"
