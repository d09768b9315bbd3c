"""The notebooks run from end to end, make their own claims true, and show pictures."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

FOLDER = Path(__file__).parents[1] / "examples" / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))


def test_there_are_three():
    assert [path.stem for path in NOTEBOOKS] == [
        "design_of_an_experiment",
        "first_fit",
        "own_data_with_trouble",
    ]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path):
    notebook = nbformat.read(path, as_version=4)
    assert all(not cell.get("outputs") for cell in notebook.cells), "outputs are made by those who run it"
    client = NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(FOLDER)}})
    client.execute()
    said = [out.get("text", "") for cell in notebook.cells for out in cell.get("outputs", [])]
    assert not any("Warning" in text for text in said)
    shown = [out.get("data", {}) for cell in notebook.cells for out in cell.get("outputs", [])]
    assert sum("image/png" in data for data in shown) >= 1
    tables = [data["text/html"] for data in shown if 'class="memfit"' in data.get("text/html", "")]
    assert len(tables) >= 2
