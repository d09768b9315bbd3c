"""`memfit simulate`: a synthetic device folder whose truth is known."""

from argparse import Namespace
from pathlib import Path

from memfit.cli.console import Console
from memfit.cli.main import USABLE
from memfit.files import check_free, whole_folder
from memfit.model.transient import kernel_is_compiled
from memfit.reporting.text import counted
from memfit.synthetic.device import simulate_device
from memfit.synthetic.export import write_device
from memfit.synthetic.settings import read_simulation


def run(given: Namespace) -> int:
    """Read the truth, measure it, write the files."""
    console = Console(given.quiet, given.verbose)
    params, out = Path(given.params), Path(given.out)
    check_free(out, overwrite=given.overwrite)
    wanted = read_simulation(params)
    if wanted.parameters.tau_k == 0.0:
        console.say(f"{params.name}: tau_k is not given or 0, which is the 2D model; it never oscillates.")
    if not kernel_is_compiled():
        console.say(
            "The integrator is compiled now, once after installation; this takes about half a minute."
        )
    seed = wanted.seed if given.seed is None else given.seed
    device = simulate_device(
        wanted.parameters,
        wanted.measurements,
        wanted.noise,
        seed=seed,
        name=wanted.name,
        area=wanted.area,
        temperature=wanted.temperature,
        attributes=wanted.attributes,
    )
    made_by = f"Made by `memfit simulate {params.name}` with the seed {seed}."
    with whole_folder(out, overwrite=given.overwrite) as draft:
        write_device(device, wanted.parameters, draft, made_by=made_by, formats=wanted.formats)
    for record in device.records:
        console.detail(f"  {record.name}: {record.points} points")
    made = counted(len(device.records), "synthetic measurement")
    console.say(f"{device.name}: {made}, device.toml and README.md in {out}")
    return USABLE
