"""`memfit simulate`: a synthetic device folder whose truth is known."""

from argparse import Namespace
from pathlib import Path

from memfit.cli.console import USABLE, Command, Console, Parser, add_overwrite, whole

_EXAMPLE = """\
The folder holds spectra, I-V loops and pulses as instruments export them, with
noise. PARAMS.toml needs the truth and may say more:

  seed = 7
  [parameters]                      # SI numbers, or texts with units
  R_b = "220 kohm"
  C_m = "150 nF"
  i_c0 = "4.5 uA"
  V_T = "0.62 V"
  V_m = "58 mV"
  tau_d = "180 ms"
  tau_k = "25 ms"
  R_s = "42 ohm"
  [noise]                           # optional
  impedance = "0.5 %"
  voltage = "1 mV"
  [files]                           # optional
  format = "generic"                # or "instrument": EC-Lab, NOVA, Keithley, oscilloscope
  [[measurement]]                   # optional; without any, a sensible set
  kind = "iv"
  vertices = ["0 V", "1 V", "0 V"]
  scan_rate = "50 mV/s"
  format = "keithley"               # optional; ec-lab, nova, keithley, oscilloscope, generic
  [[measurement]]                   # a protocol of the field by its name, here under voltage control
  kind = "transient"
  control = "voltage"
  protocol = "paired_pulses"        # triangle, potentiation_depression, retention, spike_train, constant
  amplitude = "0.8 V"
  width = "10 ms"
  interval = ["10 ms", "100 ms"]    # a record each
"""


def _add_options(parser: Parser) -> None:
    parser.add_argument(
        "params", metavar="PARAMS.toml", help="[parameters], [noise], seed, [files], [[measurement]]"
    )
    parser.add_argument("-o", "--out", metavar="DIR", required=True, help="the device folder to make")
    parser.add_argument(
        "--seed", type=whole(0), metavar="N", help="of the noise; default: what the file says"
    )
    add_overwrite(parser)


def _run(given: Namespace) -> int:
    """Read the truth, measure it, write the files."""
    from memfit.files import check_free, whole_folder
    from memfit.model.steady import falling_between
    from memfit.reporting.content import counted
    from memfit.synthetic.export import write_device
    from memfit.synthetic.measurements import simulate_device
    from memfit.synthetic.settings import read_simulation

    console = Console(given.quiet, given.verbose)
    params, out = Path(given.params), Path(given.out)
    check_free(out, overwrite=given.overwrite)
    wanted = read_simulation(params)
    if wanted.parameters.tau_k == 0.0:
        console.say(f"{params.name}: tau_k is not given or 0, which is the 2D model; it never oscillates.")
    for low, high in falling_between(wanted.parameters):
        console.say(
            f"{params.name}: the steady current falls between u = {low:.4g} and {high:.4g} V; a drive may "
            "have several steady states there, of which the stable one on its path is taken."
        )
    console.announce_compilation()
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


SIMULATE = Command(
    summary="Make a synthetic device whose truth is known.",
    details=_EXAMPLE,
    add_options=_add_options,
    run=_run,
)
