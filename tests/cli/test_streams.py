"""Standard output that is closed, full, or a pipe that nobody reads: a line or silence, never a traceback."""

import io
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from memfit.cli import main as root
from memfit.cli.streams import coloured, interruption, text_width

EIS = "# bias: 0.5 V\nFrequency (Hz),Z_real (ohm),Z_imag (ohm)\n100,10,-1\n10,12,-2\n1,15,-1\n"
FULL = pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")


@pytest.fixture
def shell(tmp_path):
    """Run `memfit inspect eis.csv` with something behind it, in a shell."""
    (tmp_path / "eis.csv").write_text(EIS)

    def call(behind, *words):
        command = [sys.executable, "-m", "memfit", *(words or ("inspect", "eis.csv"))]
        return subprocess.run(
            ["sh", "-c", f'"$@" {behind}', "sh", *command],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return call


@FULL
def test_a_full_output_is_one_line(shell):
    ran = shell("> /dev/full")
    assert ran.returncode == 1
    assert ran.stderr.count("\n") == 1
    assert "output cannot be written (No space left on device)" in ran.stderr


def test_a_closed_output_is_silence(shell):
    ran = shell(">&-")
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


def test_a_closed_error_output_changes_nothing(shell):
    ran = shell("2>&-", "inspect", "eis.csv", "nothing.csv")
    assert ran.returncode == 1
    assert "eis.csv" in ran.stdout


@FULL
def test_talk_that_cannot_be_written_is_left_out(shell):
    ran = shell("2> /dev/full", "convert", "eis.csv", "-o", "out")
    assert ran.returncode == 0
    assert ran.stdout == "out/eis.csv\n"


def test_a_pipe_that_nobody_reads(shell):
    ran = shell("| true")
    assert "Traceback" not in ran.stderr
    assert ran.stderr == ""


@pytest.mark.parametrize(
    ("problem", "said"),
    [
        (OSError(28, "No space left on device"), "the output cannot be written (No space left on device)."),
        (PermissionError(13, "Permission denied", "data/eis.csv"), "data/eis.csv: Permission denied."),
        (OSError(28, "No space left on device", "x/.out.123.part/a"), "the output cannot be written"),
        (RecursionError("maximum recursion depth exceeded"), "memfit itself stumbled (RecursionError"),
        (ValueError("a\nb" * 1000), "Please report it."),
        (MemoryError(), "there is not enough memory."),
    ],
)
def test_what_nobody_foresaw_is_one_line(run, monkeypatch, problem, said):
    def fail(given):
        raise problem

    monkeypatch.setitem(root.COMMANDS, "inspect", root.COMMANDS["inspect"]._replace(run=fail))
    ran = run("inspect", "a")
    assert ran.code == 1
    assert said in ran.err
    assert ran.err.count("\n") == 1
    assert ".part" not in ran.err
    assert "Traceback" in run("inspect", "a", "-v").err


class Terminal(io.StringIO):
    """Standard output that a person reads."""

    def isatty(self):
        return True


def test_colour_and_width_are_those_of_the_terminal(monkeypatch):
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "60")
    assert (text_width(), coloured("Yes.", "good")) == (100, "Yes.")
    monkeypatch.setattr(sys, "stdout", Terminal())
    assert text_width() == 59
    assert coloured("Yes.", "good") == "\033[32mYes.\033[0m"
    monkeypatch.setenv("NO_COLOR", "1")
    assert coloured("Yes.", "good") == "Yes."
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "dumb")
    assert coloured("Yes.", "good") == "Yes."


@pytest.mark.skipif(os.name == "nt", reason="no pseudo-terminals")
@pytest.mark.parametrize(("columns", "quiet"), [(60, False), (90, True)])
def test_a_real_terminal_gets_its_colour_and_width(small_device, columns, quiet):
    import fcntl  # noqa: PLC0415 - not on every system
    import pty  # noqa: PLC0415
    import struct  # noqa: PLC0415
    import termios  # noqa: PLC0415

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    env = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "FORCE_COLOR")}
    env |= {"TERM": "xterm", "PYTHONPATH": os.pathsep.join(sys.path)} | ({"NO_COLOR": "1"} if quiet else {})
    command = [sys.executable, "-m", "memfit", "fit", str(small_device), "--only", "impedance", "--quiet"]
    process = subprocess.Popen(command, stdout=theirs, stderr=subprocess.DEVNULL, env=env)
    os.close(theirs)
    said = b""
    while True:
        try:
            read = os.read(ours, 4096)
        except OSError:  # the other side was closed
            break
        if not read:
            break
        said += read
    os.close(ours)
    assert process.wait(timeout=60) == 0
    text = said.decode()
    assert ("\033[32mYes" in text or "\033[33mYes" in text) != quiet
    plain = re.sub(r"\033\[\d+m", "", text).splitlines()
    prose = [line for line in plain if len(line.split("  ")) < 4]  # tables are as wide as they are
    assert columns - 20 < max(map(len, prose)) < columns


def test_the_first_interruption_is_noted_and_the_second_ends(capsys):
    before = signal.getsignal(signal.SIGINT)  # shells let background jobs ignore it
    with interruption() as interrupted:
        assert interrupted() == ""
        signal.raise_signal(signal.SIGINT)
        assert interrupted() == "interrupted"
        assert "Ctrl-C again leaves at once" in capsys.readouterr().err
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before
