"""What `hostile.py` does with processes of their own, and commands in surroundings that somebody chose badly.

Variables, limits, streams, users and places to write to are drawn for each command.
"""

import hashlib
import json
import os
import re
import resource
import shutil
import subprocess
import sys

import numpy as np
import psutil

from memfit.files import printable
from memfit.model import Parameters
from memfit.synthetic.export import write_device
from memfit.synthetic.measurements import loop, simulate_device, spectrum

TRUTH = Parameters(R_b=1e5, C_m=1e-7, i_c0=2e-5, V_T=0.8, V_m=0.08, tau_d=0.03, tau_k=0.05, R_s=40.0)
SLOW = 5.0
PATIENCE = 300.0
"""Seconds after which a command hangs, whatever the machine does besides."""
MEMFIT = [shutil.which("memfit") or sys.exit("Install memfit first, for its command.")]
"""Not `python -m memfit`, which looks into the working folder before memfit is asked."""
HOME = {
    **os.environ,
    "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
    "PYTHONDONTWRITEBYTECODE": "1",  # a run under limits of files would leave a torn one in the sources
}
POISONED_MODULES = ("json", "numpy", "csv", "random", "sitecustomize", "usercustomize", "re", "numba")


def make_device(folder, seed=1):
    """A folder with a device that is fitted in a moment."""
    folder.mkdir(parents=True, exist_ok=True)
    frequency = np.geomspace(1e4, 0.1, 16)
    planned = [spectrum(0.6, frequency), spectrum(0.85, frequency), loop([0.0, 1.0, 0.0], 0.05, points=31)]
    write_device(simulate_device(TRUTH, planned, seed=seed, name=printable(folder.name)), TRUTH, folder)
    return folder


def contents(folder):
    """Digests of all files by name, times left out of them, and without the lists of digests."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if not path.is_file() or path.name in ("written.json", "checkpoint.json"):
            continue
        content = path.read_bytes()
        if path.name in ("result.json", "report.html"):
            content = without_times(
                content, json.loads((path.parent / "result.json").read_text())["environment"]
            )
        found[name] = hashlib.sha256(content).hexdigest()
    return found


def without_times(content, environment):
    """The text of a result or its report without when and how long, and without the digest of the same."""
    text = re.sub(r'"digest": "\w+"|"seconds": [\d.]+', "", content.decode())
    for told in (
        environment["started"],
        f"<code>{environment['seconds']:g}</code>",
        environment.get("command", "-"),
    ):
        text = text.replace(told, "")
    return text.encode()


def remains(place):
    """What is not finished below a folder."""
    return [str(path) for path in place.rglob("*") if path.name.endswith((".part", ".drafts"))]


def family_of(place):
    """Processes that work in a folder."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.status() != psutil.STATUS_ZOMBIE and process.cwd().startswith(str(place)):
                found.append(process)
        except psutil.Error:
            continue
    return found


# surroundings

VARIABLES = {
    "LC_ALL": ["C", "tr_TR.UTF-8", "nonsense", "de_DE", ""], "LANG": ["ja_JP.SJIS", None],
    "TZ": ["Nowhere/Land", "Asia/Kathmandu", "UTC+26", ":/etc/passwd"], "PYTHONHASHSEED": ["0", "1",
      "4294967295"],
    "HOME": [None, "/nonexistent", "/dev/null", "/proc"], "TMPDIR": ["/nonexistent", "/proc", ""],
    "COLUMNS": ["0", "1", "-5", "99999999", "x"], "TERM": ["dumb", "", None], "FORCE_COLOR": ["1", "0"],
    "PYTHONIOENCODING": ["ascii", "utf-16", "latin-1:strict"], "PYTHONUTF8": ["0", "1"],
    "PYTHONOPTIMIZE": ["2"], "PYTHONWARNINGS": ["error", "always"],
    "MPLBACKEND": ["nonsense", "TkAgg"], "MPLCONFIGDIR": ["/proc", "/dev/null"],
      "MATPLOTLIBRC": ["/dev/null"],
    "OMP_NUM_THREADS": ["0", "x", "9999"], "OPENBLAS_NUM_THREADS": ["-1", "2"], "NUMBA_NUM_THREADS": ["2"],
    "PYTHONUNBUFFERED": ["1"], "PYTHONDEVMODE": ["1"], "SOURCE_DATE_EPOCH": ["0", "-1"], "USER": [None,
      "x\ny"],
    "PATH": ["", "/nonexistent"], "NO_COLOR": [""], "PYTHONSTARTUP": ["/dev/zero"],
      "XDG_RUNTIME_DIR": ["/proc"],
}  # fmt: skip
STREAMS = [
    "",
    "",
    "",
    "> /dev/full",
    ">&-",
    "| true",
    "2>&-",
    "2> /dev/full",
    "<&-",
    ">&- 2>&-",
    "> /dev/full 2>&1",
]
OUTS = [
    "out",
    "out",
    "file",
    "file/out",
    "full",
    "/proc/nothing",
    "/dev/null",
    "/sys/x/y",
    "o" * 300,
    "a\nb",
    "b\\c",
]
LIMITS = {
    "": [],
    "no files": ["--fsize=0"],
    "short files": ["--fsize=2000"],
    "few files open": ["--nofile=24"],
}
CODES = (0, 1, 2, 3)
COMPILED = "compiled now"


def surrounded(count, rng, place, tally):
    """Commands in surroundings that somebody chose badly."""
    home = place / "home"
    home.mkdir()
    (place / "root").mkdir()
    make_device(place / "root" / os.fsdecode(b"b\xff"))
    device = make_device(home / "device")
    run([*MEMFIT, "fit", "device", "-o", "result", "--model", "3d", "--quiet"], home, HOME)
    run([*MEMFIT, "fit", "device", "--model", "3d", "--parts", "leak"], home, HOME)  # compiles for all parts
    (home / "params.toml").write_text(
        "[parameters]\n" + "\n".join(f"{k} = {v}" for k, v in TRUTH.as_dict().items())
    )
    for name in POISONED_MODULES:
        (home / f"{name}.py").write_text("open(__file__ + '.EXECUTED', 'w')\nraise SystemExit('executed')\n")
    assert device.is_dir()
    for number in tally.each(count):
        one_surrounded(number, rng, home, tally)


def one_surrounded(number, rng, home, tally):
    """One command in surroundings of its own."""
    home.chmod(0o777)
    for name in ("file", "full/mine"):
        path = home / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("mine")
    out = rng.choice(OUTS)
    commands = [
        ["inspect", "device"], ["inspect", "device/eis_0.6V.csv", "--json"], ["stability", "result"],
        ["stability", "result", "--json"], ["plan", "result"], ["convert", "device", "-o", out],
        ["simulate", "params.toml", "-o", out], ["report", "result", "-o", out], ["compare", "result",
          "result"],
        ["query", "result"], ["index", "result"], ["init", "device"], ["--version"], ["--help"], ["fit",
          "--help"],
        ["fit", "device", "-o", out, "--model", "3d"], ["batch", "../root", "-o", out, "--no-reports"],
        ["batch", "../root", "-o", out, "--scheduler", rng.choice(["nonsense", "tcp://127.0.0.1:9",
          "tls://[::]:1"])],
        ["nonsense"], ["fit"],
    ]  # fmt: skip
    words = rng.choice(commands)
    changed = {
        name: rng.choice(VARIABLES[name]) for name in rng.sample(list(VARIABLES), rng.choice([0, 1, 2, 4]))
    }
    environment = {name: value for name, value in {**HOME, **changed}.items() if value is not None}
    stream, limit = rng.choice(STREAMS), rng.choice([*LIMITS, "", "", "", ""])
    command = ["sh", "-c", f'"$@" {stream}', "sh"]
    command += ["prlimit", *LIMITS[limit]] if limit else []
    command += [*MEMFIT, *words]
    environment["PATH"], wanted = HOME["PATH"], environment.get("PATH", "")
    command[-len(MEMFIT) - len(words) : -len(MEMFIT) - len(words)] = ["env", f"PATH={wanted}"]
    told = f"surroundings {number}: {' '.join(words)} {stream} {limit} {changed}"
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    code, said, complaints = run(command, home, environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    outcome = {0: "usable", 1: "one line", 2: "usage", 3: "no usable result"}.get(code, f"code {code}")
    judge_surrounded(told, code, said, complaints, tally)
    heavy = words[0] in ("fit", "batch", "report") or COMPILED in complaints
    heavy = heavy or "PYTHONOPTIMIZE" in changed  # no library is compiled so, and nothing is kept of it
    if seconds > SLOW * (4 if heavy else 1):
        tally.fault(f"{told}: {seconds:.1f} s of processor time")
    tally.note(outcome, 0.0 if heavy else seconds)
    left = remains(home.parent)
    if left or list(home.glob("*.EXECUTED")) or (home / "full" / "mine").read_text() != "mine":
        tally.fault(f"{told}: left {left}, executed {list(home.glob('*.EXECUTED'))}")
    clear(home)


def clear(home):
    """Take away what a command wrote."""
    keep = {"device", "result", "params.toml", "file", "full", *(f"{name}.py" for name in POISONED_MODULES)}
    for path in home.iterdir():
        if path.name not in keep:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    (home / "device" / "device.toml.new").unlink(missing_ok=True)


def judge_surrounded(told, code, said, complaints, tally):
    """Hold how a command ended against what is allowed."""
    piped = "| true" in told
    if code not in CODES and not piped:
        tally.fault(f"{told}: code {code}: {complaints}")
    if "Traceback" in complaints or "stumbled" in complaints or ".part" in complaints:
        tally.fault(f"{told}: {complaints}")
    last = [line for line in complaints.split("\n") if line.startswith("memfit") and ": " in line]
    if code == 1 and len(last) != 1 and not any(word in told for word in ("2>&-", "2> /dev/full", "2>&1")):
        tally.fault(f"{told}: expected one line, found {complaints!r}")
    if code == 0 and not said and not complaints and ">" not in told and not piped:
        tally.fault(f"{told}: nothing was said")


def run(command, cwd, environment):
    """Exit code, output and talk."""
    done = subprocess.run(  # noqa: PLW1510 - whatever the code
        command, cwd=cwd, env=environment, capture_output=True, timeout=PATIENCE, stdin=subprocess.DEVNULL
    )
    return done.returncode, text_of(done.stdout), text_of(done.stderr)


def text_of(said):
    """What was said, in UTF-8 or UTF-16."""
    return said.decode("utf-16-le" if b"\0" in said else "utf-8", errors="replace")
