"""The exports of a device, without the command line."""

import devices
import pytest

from memfit.analysis.figures_of_merit.assemble import figures_of_merit
from memfit.analysis.figures_of_merit.conditions import Conditions
from memfit.errors import InputError
from memfit.workflow.datasheet import export_files, write_sheet

P = devices.TRUTH


@pytest.fixture(scope="module")
def sheet():
    return figures_of_merit(P, conditions=Conditions(count=6))


def test_branches_of_the_train_are_told_apart(sheet):
    files = export_files(sheet, ("synapse",))
    up, down = (files[f"neurosim_{one}.txt"].splitlines() for one in ("ltp", "ltd"))
    assert len(up) == len(down) == 6
    first, last = (float(lines[-1].split()[1]) for lines in (up, down))
    assert first > last


def test_only_what_was_asked_for(sheet, tmp_path):
    assert set(export_files(sheet, ("spice",))) == {"memristor.cir"}
    write_sheet(sheet, tmp_path / "sheet", exports=("spice",))
    assert (tmp_path / "sheet" / "export" / "memristor.cir").is_file()
    assert (tmp_path / "sheet" / "datasheet.html").is_file()


def test_an_unknown_export(sheet):
    with pytest.raises(InputError, match="verilog-a"):
        export_files(sheet, ("vhdl",))
