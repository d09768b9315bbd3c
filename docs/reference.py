"""The generated pages: commands from the parser, the API from the docstrings, the picture of the floors.

`write_pages` is called by `conf.py`; what it writes is not under version control (see .gitignore).
"""

import argparse
import inspect
import re
import sys
import tomllib
from pathlib import Path
from xml.sax.saxutils import escape

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent)]

import memfit  # noqa: E402
from memfit.cli.main import build_parser  # noqa: E402

FACE = {
    "The analysis": (
        "load", "fit", "fit_many", "stability", "plan_next", "compare", "query", "write_report",
        "write_comparison", "read_result", "simulate", "impedance", "predict", "figures_of_merit",
    ),
    "Drives": ("Drive", "protocol", "pulse", "pulse_train", "staircase", "sweep"),
    "Stability in depth": (
        "Circuit", "stability_at", "operating_points", "find_hopf_points", "bifurcation_diagram", "cycles_at",
        "map_over_parameters", "map_over_bias_and_load", "check_spectrum",
    ),
    "Devices and records": (
        "Device", "ImpedanceSpectrum", "IVSweep", "PulseTransient", "SynapticCurve", "Parameters",
        "record_from_frame", "device_from_frames",
    ),
    "Plans and results": ("FitPlan", "FitResult", "Estimate", "Comparison"),
    "Intervals in depth": ("profile", "bootstrap", "sample_posterior"),
    "Synthetic devices": ("simulate_device", "Noise"),
    "Other packages": ("register_impedance_elements", "impedance_circuit"),
}  # fmt: skip
"""Sections of the first page; a public name that is in none of them comes under "More"."""

MODULES = {
    "The model": (
        "memfit.model.parameters", "memfit.model.derived", "memfit.model.equations", "memfit.model.steady",
        "memfit.model.smallsignal", "memfit.model.linear", "memfit.model.hopf_boundary",
        "memfit.model.transient",
    ),
    "Drives and records": (
        "memfit.protocols", "memfit.datasets.records", "memfit.datasets.programmes", "memfit.datasets.device",
    ),
    "Fitting": (
        "memfit.fitting.plan", "memfit.fitting.results.result", "memfit.fitting.results.forecast",
        "memfit.fitting.results.propagation", "memfit.interop.lmfit_models",
        "memfit.interop.impedance_elements",
    ),
    "Analysis": (
        "memfit.analysis.stability.circuit", "memfit.analysis.stability.hopf",
        "memfit.analysis.stability.sampling", "memfit.analysis.stability.assess",
        "memfit.analysis.cycles",
    ),
    "Readers": ("memfit.loaders.registry", "memfit.loaders.raw"),
    "Errors, units, files": ("memfit.errors", "memfit.units", "memfit.confidence", "memfit.files"),
    "Pictures": ("memfit.notebook.plot",),
    "The workflow": tuple(f"memfit.workflow.{one}" for one in (
        "reading", "fitting", "stability", "reports", "comparison", "batch"
    )),
}  # fmt: skip


_COMMANDS = """\
Made from the program's own help; `memfit COMMAND --help` prints the same. `python -m memfit` does what
`memfit` does."""

_FACE = """\
`import memfit as mf` gives these; each is imported when it is first used. Everything is in SI units. The
modules `mf.equations`, `mf.linear` and `mf.lmfit_models`, what stands behind these names, and the errors
are on [the next page](api_modules.md)."""

_INSIDE = """\
The modules behind the public names, floor by floor (see [](architecture.md)). Names that begin with an
underscore are nobody's business but the module's."""


def write_pages(folder: Path) -> None:
    """Write commands.md, api.md, api_modules.md and images/floors.svg."""
    _write(folder / "commands.md", commands_page())
    _write(folder / "api.md", api_page())
    _write(folder / "api_modules.md", modules_page())
    (folder / "images").mkdir(exist_ok=True)
    _write(folder / "images" / "floors.svg", floors_picture())


def _write(path: Path, text: str) -> None:
    """Write where the text is new, so that Sphinx need not read the page again."""
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def commands_page() -> str:
    """Every command with its options, from the parser itself."""
    parser, _ = build_parser()
    parts = [
        "# Commands",
        _COMMANDS,
        f"```text\n{(parser.epilog or '').strip()}\n```",
    ]
    (commands,) = (one for one in parser._actions if isinstance(one, argparse._SubParsersAction))
    for name, command in commands.choices.items():
        usage = " ".join(command.format_usage().removeprefix("usage:").split())
        parts += [f"## memfit {name}", command.description or "", f"```text\n{usage}\n```"]
        rows = [_row(action) for action in command._actions if action.help != argparse.SUPPRESS]
        parts.append("\n".join(["| argument | meaning |", "|---|---|", *rows]))
        command.format_help()  # which makes the text below the options
        if command.epilog:
            epilog = inspect.cleandoc(command.epilog)
            parts.append(f"```text\n{epilog}\n```" if "  " in epilog else epilog)
    return "\n\n".join(parts) + "\n"


def _row(action: argparse.Action) -> str:
    """One argument as a row of a table."""
    value = action.metavar
    if action.choices is not None and value is None:
        value = "{" + ",".join(map(str, action.choices)) + "}"
    if isinstance(value, tuple):
        value = " ".join(value)
    takes = "" if action.nargs == 0 else f" {value or (action.dest.upper() if action.option_strings else '')}"
    names = ", ".join(action.option_strings) or str(value or action.dest)
    shown = f"{names}{takes if action.option_strings else ''}".strip().replace("|", r"\|")
    return f"| `{shown}` | {(action.help or '').replace('|', chr(92) + '|')} |"


def api_page() -> str:
    """The public names, in sections."""
    public = set(memfit.__all__)
    modules = {name for name in public if inspect.ismodule(getattr(memfit, name))}
    sections = {title: [name for name in names if name in public] for title, names in FACE.items()}
    listed = {name for names in sections.values() for name in names}
    sections["More"] = sorted(public - listed - modules - {"MemfitError"})
    parts = [
        "# Python: the public names",
        _FACE,
    ]
    for title, names in sections.items():
        if names:
            parts += [f"## {title}", *(_auto(name) for name in names)]
    return "\n\n".join(parts) + "\n"


def _auto(name: str) -> str:
    """The directive that documents one public name."""
    thing = getattr(memfit, name)
    if inspect.isclass(thing):
        target, kind = f"{thing.__module__}.{thing.__qualname__}", "autoclass"
        options = ":members:\n"
    elif callable(thing):
        target, kind, options = f"{thing.__module__}.{thing.__qualname__}", "autofunction", ""
    else:
        target, kind, options = f"memfit.{name}", "autodata", ""
    return f"```{{eval-rst}}\n.. {kind}:: {target}\n{_indent(options)}```"


def modules_page() -> str:
    """The modules behind the public names."""
    parts = [
        "# Python: inside the house",
        _INSIDE,
    ]
    for title, names in MODULES.items():
        parts.append(f"## {title}")
        for name in names:
            parts.append(f"### {name}")
            parts.append(f"```{{eval-rst}}\n.. automodule:: {name}\n   :members:\n   :no-index:\n```")
    return "\n\n".join(parts) + "\n"


def _indent(text: str) -> str:
    return "".join(f"   {line}\n" for line in text.splitlines()) if text else ""


def list_topics(_app: object, page: str, source: list[str]) -> None:
    """In the index, the line TOPICS becomes every page that is not listed there by its name."""
    if page != "index":
        return
    lines = source[0].splitlines()
    pages = {path.stem for path in HERE.glob("*.md")} - {"index", *lines}
    ordered = [page for page in TOPICS if page in pages] + sorted(pages - set(TOPICS))
    at = lines.index("TOPICS")
    source[0] = "\n".join([*lines[:at], *ordered, *lines[at + 1 :]]) + "\n"


def as_restructured_text(
    _app: object, _what: str, _name: str, _thing: object, _options: object, lines: list[str]
) -> None:
    """Docstrings are written to be read in an editor; what Sphinx would misread in them is escaped."""
    inside = False  # a block of code, indented
    for i, line in enumerate(lines):
        indented = line.startswith("    ")
        starts_block = indented and not inside and (i == 0 or not lines[i - 1].strip())
        inside = indented and (inside or starts_block)
        if not inside and "``" not in line and not re.match(r"\*+\w+( :|$)", line):  # not **settings
            plural = re.sub(r"(`[^`]+`)(\w?)", _apart, line)  # `Record`s
            lines[i] = re.sub(r"(?<![\\`*])(\*+|\||_(?=[\s,.)]))(?![`])", _escaped, plural)


def _apart(match: re.Match[str]) -> str:
    return f"{match[1]}\\ {match[2]}" if match[2] else match[1]


def _escaped(match: re.Match[str]) -> str:
    return "".join(f"\\{letter}" for letter in match[0])


TOPICS = ("stability", "uncertainty", "identifiability", "comparison", "batch", "reports")
"""Order of the pages on single topics; others follow by name."""

PURPOSES = {
    "cli": "commands; no science",
    "notebook": "values as tables, pictures on your axes",
    "app": "the page in a browser",
    "workflow": "load, check, fit, analyse, report: a few calls",
    "reporting": "tables, figures, documents",
    "batch": "many devices, the store",
    "analysis": "stability, cycles, comparison",
    "synthetic": "devices of known truth",
    "interop": "lmfit, impedance.py",
    "loaders": "files to records",
    "fitting": "records to a result",
    "model": "pure physics, exact derivatives",
    "datasets": "the three kinds of records",
    "protocols": "what the instrument applied",
    "units": "SI inside",
    "files": "written whole",
    "isolation": "other processes, alone",
    "locks": "of the operating system",
    "noise_estimate": "without a model",
    "progress": "how far it is",
    "confidence": "its level, once",
    "fit_options": "one field each",
    "arrays": "names of array types",
    "above": "names of places higher up",
    "errors": "the tree of errors",
}
"""What each room is for; the floors themselves come from the import contract."""


def floors() -> list[list[str]]:
    """Rooms of each floor, the top one first, as the import contract of pyproject.toml has them."""
    settings = tomllib.loads((HERE.parent / "pyproject.toml").read_text(encoding="utf-8"))
    contract = next(one for one in settings["tool"]["importlinter"]["contracts"] if one["type"] == "layers")
    layers = [[room.strip() for room in layer.split("|")] for layer in contract["layers"]]
    return [rooms for rooms in layers if rooms != ["__main__"]]


_OPENING = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 710 {height}" font-family="sans-serif" role="img"
  aria-label="The floors of the house; imports run down only">
<defs><marker id="tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto">
<path d="M0 0 L10 5 L0 10 z" fill="#b04030"/></marker></defs>"""

_ROOM = """\
<rect x="{x:g}" y="{y}" width="{width:g}" height="40" rx="4" fill="{shade}" stroke="#7090b0"/>
<text x="{inside:g}" y="{upper}" font-size="14" font-weight="bold" fill="#223">{room}</text>
<text x="{inside:g}" y="{lower}" font-size="11.5" fill="#445">{purpose}</text>"""

_ARROW = """\
<path d="M670 16 V{bottom}" stroke="#b04030" stroke-width="2" marker-end="url(#tip)"/>
<text x="686" y="180" font-size="12" fill="#b04030" transform="rotate(90 686 180)">imports</text>
</svg>"""


def floors_picture() -> str:
    """The house as SVG: imports run down only."""
    house = floors()
    parts = [_OPENING.format(height=16 + 44 * len(house))]
    for row, rooms in enumerate(house):
        y = 8 + 44 * row
        width = (640 - 8 * (len(rooms) - 1)) / len(rooms)
        for place, room in enumerate(rooms):
            x = 8 + place * (width + 8)
            parts.append(
                _ROOM.format(
                    x=x,
                    y=y,
                    width=width,
                    inside=x + 14,
                    upper=y + 18,
                    lower=y + 33,
                    shade="#e8eef6" if row % 2 else "#f4f7fb",
                    room=room,
                    purpose=escape(PURPOSES.get(room, "")),
                )
            )
    return "\n".join([*parts, _ARROW.format(bottom=44 * len(house))]) + "\n"


if __name__ == "__main__":
    write_pages(HERE)
