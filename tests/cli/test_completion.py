"""Scripts by which shells complete."""

import subprocess

import pytest


@pytest.mark.parametrize("shell", ["bash", "zsh", "tcsh"])
def test_every_command_and_option_is_completed(run, shell):
    ran = run("completion", shell)
    assert ran.code == 0
    for word in ("simulate", "stability", "--external-capacitance", "--bounds"):
        assert word.removeprefix("--") in ran.out


def test_bash_understands_it(run, tmp_path):
    (tmp_path / "memfit.bash").write_text(run("completion", "bash").out)
    ask = (
        f"source {tmp_path}/memfit.bash; COMP_WORDS=(memfit fit --bou); COMP_CWORD=2; "
        '_shtab_memfit; echo "${COMPREPLY[@]}"'
    )
    done = subprocess.run(["bash", "-c", ask], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["--bounds"]


def test_another_shell(run):
    assert run("completion", "fish").code == 2
