"""`memfit datasheet` from end to end."""

import json

import pytest

from memfit.cli.main import main


def test_a_sample_device(sample_fits, tmp_path, capsys):
    one = sample_fits["mapbi3_a"]
    words = ["-o", str(tmp_path / "sheet"), "--read", "0.4V", "--pulse-width", "9ms"]
    code = main(["datasheet", str(one.out), *words, "--export", "spice,verilog-a,synapse"])
    said = capsys.readouterr()
    assert code == 0
    assert "read at 0.4 V" in " ".join(said.out.split())
    assert "Left there" not in said.err
    assert "set voltage V_set" in said.out
    assert (tmp_path / "sheet" / "datasheet.html").is_file()
    exported = {
        p.relative_to(tmp_path / "sheet" / "export").as_posix()
        for p in (tmp_path / "sheet" / "export").rglob("*.*")
    }
    assert {"memristor.cir", "memristor.va", "neurosim_ltp.txt", "crosssim/set.csv"} <= exported


def test_json(sample_fits, capsys):
    assert main(["datasheet", str(sample_fits["mapbi3_a"].out), "--json", "--quiet"]) == 0
    plain = json.loads(capsys.readouterr().out)
    assert plain["schema"] == "memfit/figures-of-merit/1"
    by_name = {(e["figure"], e["record"]): e for e in plain["figures"]}
    assert by_name["V_set", "iv_100mVs.csv"]["measured"]["value"] == pytest.approx(0.594, abs=0.02)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--read", "0V"], "other than 0 V"),
        (["--rate", "1 m"], "--rate"),
        (["--read", "0.8V"], "disturb"),
        (["--export", "spice"], "-o OUT"),
    ],
)
def test_conditions_that_are_refused_or_warned_of(sample_fits, capsys, words, said):
    main(["datasheet", str(sample_fits["mapbi3_a"].out), *words])
    assert said in capsys.readouterr().err
