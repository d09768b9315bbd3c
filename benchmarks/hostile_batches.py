"""Batches of `hostile.py`: every fifth device poisoned, and a dask scheduler that loses a worker."""

import json
import subprocess
import sys
import time
from contextlib import contextmanager

from hostile_runs import HOME, MEMFIT, PATIENCE, contents, make_device, run

_BAD = [
    '[device]\nattributes = { serial = ' + "9" * 400 + " }\n", "[device]\nattributes = { a = nan }\n",
      "x = " + "9" * 5000,
    "a = " + "[" * 1000 + "]" * 1000, '[[measurement]]\nfile = "' + "a" * 300 + '.csv"\n',
      "[fit]\nfix = { R_b = 1e300 }\n",
    '[fit]\nfix = { V_m = "1e-300 V" }\n', '[fit]\nbounds = { R_b = ["1e290 ohm", "1e300 ohm"] }\n',
      "\udcff\udcfe",
    "[fit]\nbounds = { V_m = [0.1, 0.10000000000000002] }\n",
      '[[measurement]]\nfile = "iv_50mVs.csv"\ntime_offset = "1e8 s"\n',
    '[[measurement]]\nfile = "eis_0.6V.csv"\nseries_resistance = "-1 ohm"\n',
      '[[measurement]]\nfile = "gone.csv"\n',
    '[fit]\nstart = { V_T = "2 V" }\nbounds = { V_T = ["0.1 V", "1 V"] }\n',
      '[[measurement]]\nfile = "/dev/zero"\n', "[",
    '[fit]\nties = { tau_k = "__import__(1)" }\n',
]  # fmt: skip


def poison(folder, kind):
    """Spoil a device in one of many ways; a long sweep takes too long, a long table too much memory."""
    iv = folder / "iv_50mVs.csv"
    if kind < len(_BAD):
        (folder / "device.toml").write_bytes(_BAD[kind].encode("utf-8", "surrogateescape"))
    elif kind == len(_BAD):
        head = "# technique: transient\n# control: voltage\nTime (s),Voltage (V),Current (A)\n"
        many = "\n".join(f"{k * 1e-4:.4f},0.{k % 7}{k % 11},{k % 13}e-6" for k in range(300_000))
        (folder / "device.toml").unlink()
        iv.write_text(head + many)
    elif kind == len(_BAD) + 1:
        (folder / "device.toml").unlink()
        iv.write_text("Voltage (V),Current (A),Time (s)\n" + "0.1,1e-6,1\n" * 9_000_000)
    else:
        name = ("iv_50mVs.csv", "eis_0.6V.csv")[kind % 2]
        content = (folder / name).read_bytes()
        spoilt = [
            b"",
            content[: len(content) // 9],
            b"\x00" * 5000,
            content.replace(b"1", b"nan"),
            b"PK\x03\x04" * 99,
        ]
        (folder / name).write_bytes(spoilt[kind // 2 % len(spoilt)])


def poisoned(count, rng, place, tally):  # noqa: ARG001 - as all parts
    """A batch of which every fifth device is spoilt: all others are usable, and each of those is named."""
    bad, kind, tally.cases = set(), 0, count
    for number in range(count):
        key = f"d{number:03d}"
        folder = make_device(place / "root" / key, number)
        settings = folder / "device.toml"
        settings.write_text(settings.read_text() + '\n[fit]\nmodel = "3d"\n')
        if number % 5 == 2:
            poison(folder, kind)
            kind, bad = kind + 1, bad | {key}
    limits = ["--time-limit", "30 s", "--memory-limit", "800 MB"]
    words = ["batch", "root", "-o", "out", "--workers", "1", "--no-reports", "--json", *limits]
    done = subprocess.run([*MEMFIT, *words, "--quiet"], cwd=place, env=HOME, capture_output=True, check=False)
    summary = json.loads(done.stdout)
    failed = {one["device"]: one for one in summary["failures"]}
    tally.counts.update({"usable": summary["usable"], "named": len(failed)})
    tally.counts.update(f"of them {one['cause']}" for one in failed.values())
    if summary["usable"] != count - len(bad) or set(failed) != bad or done.returncode != 0:
        tally.fault(f"usable {summary['usable']}; not named {bad - set(failed)}, named {set(failed) - bad}")
    for key, one in failed.items():
        if not one["message"] or "Traceback" in one["message"] or one["cause"] in ("error", "died"):
            tally.fault(f"{key}: {one}")
    overview = (place / "out" / "overview.html").read_text()
    for key in bad:
        if key not in overview:
            tally.fault(f"{key} is not in the overview")
    if done.stderr:
        print(done.stderr.decode(errors="replace")[:3000])


@contextmanager
def dask_elsewhere(place, workers):
    """A scheduler and its workers on the loopback: (address, workers)."""
    file, started = place / "scheduler.json", []
    options = ["--scheduler-file", str(file), "--host", "127.0.0.1", "--no-dashboard"]

    def start(*words):
        command = [sys.executable, "-m", "dask", *words, *options]
        started.append(subprocess.Popen(command, cwd=place, env=HOME, stderr=subprocess.DEVNULL))
        return started[-1]

    try:
        start("scheduler", "--port", "0")
        ones = [start("worker", "--no-nanny", "--nthreads", "1") for _ in range(workers)]
        end = time.monotonic() + PATIENCE
        while not (file.exists() and file.read_text()) and time.monotonic() < end:
            time.sleep(0.1)
        yield json.loads(file.read_text())["address"], ones
    finally:
        for process in started:
            process.kill()
            process.wait()


def scheduled(count, rng, place, tally):
    """The same devices by this machine and by a scheduler of whose workers one is killed."""
    tally.cases = count
    for number in range(count):
        make_device(place / "root" / f"d{number:02d}", number)
    words = [*MEMFIT, "batch", "root", "--no-reports", "--quiet", "-o"]
    run([*words, "here", "--workers", "1"], place, HOME)
    with dask_elsewhere(place, 2) as (address, workers):
        process = subprocess.Popen([*words, "there", "--scheduler", address], cwd=place, env=HOME)
        devices, wanted = place / "there" / "devices", rng.randrange(3, count // 2)
        while process.poll() is None and len(list(devices.glob("*/result.json"))) < wanted:
            time.sleep(0.1)
        workers[0].kill()
        code = process.wait(PATIENCE * 2)
    here, there = contents(place / "here" / "devices"), contents(place / "there" / "devices")
    same = sum(here[name] == there.get(name) for name in here if name.endswith("result.json"))
    tally.counts.update({f"the same bytes, one worker killed after {wanted}": same})
    if code != 0 or here != there or same != count:
        tally.fault(f"code {code}; {[name for name in here if here[name] != there.get(name)]} differ")
