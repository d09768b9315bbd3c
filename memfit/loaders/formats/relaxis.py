"""RelaxIS 3 text export.

"RelaxIS 3.0 Spectrum export", a date, labels with tabs ("Data: Frequency", "Data: Z'", "Data: Z''" with
the true sign), a second line of labels that holds the conditions ("DC=-0.080042, TM=33.74"), rows in Hz and
ohm.
"""

import re

from memfit.errors import FileFormatError, UnitError
from memfit.loaders.raw import FileSettings, RawTable, Stated
from memfit.loaders.source import Source
from memfit.loaders.tables.delimited import Field, find_fields, need, read_block
from memfit.units import parse_number

NAME = "RelaxIS text"

_FIELDS = (
    Field("frequency", ("Data: Frequency",), "Hz"),
    Field("z_real", ("Data: Z'",), "ohm"),
    Field("z_imag", ("Data: Z''",), "ohm"),
    Field("z_imag", ("Data: -Z''",), "ohm", -1.0),
)


def recognises(source: Source) -> bool:
    """True for the export of RelaxIS."""
    return re.match(r"\s*RelaxIS [\d.]+ Spectrum export", source.head) is not None


def read(source: Source, settings: FileSettings) -> list[RawTable]:
    """The spectrum of the export.

    Raises
    ------
    FileFormatError
        The labels or a column are missing.
    """
    lines = source.lines
    at = next((i for i, line in enumerate(lines[:100]) if "Data: Frequency" in line), None)
    if at is None:
        raise FileFormatError(
            "expected a line of labels with `Data: Frequency`, found none.", file=source.name
        )
    labels = [label.strip() for label in lines[at].split("\t")]
    columns = find_fields(labels, _FIELDS)
    need(columns, ("frequency", "z_real", "z_imag"), labels, source, at + 1)
    first = next((i for i in range(at + 1, len(lines)) if re.match(r"\s*[-\d]", lines[i])), len(lines))
    block = read_block(source, columns, labels, first)
    conditions = " ".join(lines[at + 1 : first])
    pairs = {
        key: value.rstrip(",")
        for key, value in re.findall(r"(?<![\w-])([A-Z][A-Z0-9]{0,5})=([-+\d.eE]+,?)", conditions)
    }
    return [
        RawTable(
            columns=block.columns, kind="impedance", notes=block.notes,
            metadata={**pairs, "spectrum": conditions.strip()},
            bias=_bias(pairs.get("DC")),
        )
    ]  # fmt: skip


def _bias(text: str | None) -> Stated | None:
    """The dc voltage of the conditions."""
    try:
        return Stated(parse_number(text or ""), "DC of the file's header")
    except UnitError:
        return None
