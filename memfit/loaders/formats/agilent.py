"""Agilent 4294A and 4395A, the ASCII file that they save: a block of columns for each trace.

    "TRACE: A"
    ...
    "Frequency"  "Data Real"  "Data Imag"  "Data Trace Real"  "Data Trace Imag"       (tabs between)
    ...
    "TRACE: B"

The data array (Data Real, Data Imag) is always R and X, in ohm (4294A Operation Manual, "Data contents saved
in the trace data"). The trace array is what the screen showed, which is not said where the columns are: of a
file that has nothing else `columns` in device.toml says it: the frequency, trace A, trace B.
"""

import re
from collections.abc import Mapping, Sequence

import numpy as np

from memfit.loaders.raw import FileSettings, RawTable, Reader, Source
from memfit.loaders.tables import Block, Column, read_block, split_fields, understand
from memfit.units import find_unit

_TRACE = re.compile(r'^[ \t]*"?TRACE: ?(?P<name>[AB])"?[ \t\r]*$', re.IGNORECASE | re.MULTILINE)
_FREQUENCY = "frequency"
_DATA, _SHOWN = ("data real", "data imag"), ("data trace real", "data trace imag")
_EXAMPLE = 'columns = ["Frequency (Hz)", "|Z| (ohm)", "Phase (deg)"]'


def _recognises(source: Source) -> bool:
    """True where a trace and its columns begin."""
    return _TRACE.search(source.head) is not None and '"frequency"' in source.head.lower()


def _read(source: Source, settings: FileSettings) -> list[RawTable]:
    """The spectrum of all traces."""
    blocks = _traces(source)
    traces = {name: block.columns for name, block in blocks.items()}
    metadata = {"instrument": "Agilent 4294A or 4395A"}
    for name, values in traces.items():
        if set(_DATA) <= values.keys():
            columns = dict(zip(("z_real", "z_imag"), (values[name] for name in _DATA), strict=True))
            return [
                RawTable(
                    columns={"frequency": values[_FREQUENCY], **columns},
                    kind="impedance",
                    metadata=metadata,
                    notes=("The data array was read, which is R and X in ohm.", *blocks[name].notes),
                )
            ]
    labels = settings.columns if isinstance(settings.columns, tuple) else ()
    if len(labels) != 3:
        raise source.error(
            "expected the data array (R and X), found what the traces showed, and not what that is; say it "
            f"in device.toml, the frequency, trace A and trace B, as in {_EXAMPLE}."
        )
    meant = [understand(label, index) for index, label in enumerate(labels)]
    wrong = next(
        (label for label, one in zip(labels, meant, strict=True) if one is None or one.unit is None), None
    )
    if wrong is not None or len({one.role for one in meant if one}) < 3:
        raise source.error(f"expected labels with units, as in {_EXAMPLE}; found {', '.join(labels)}.")
    (first, shown), *others = traces.items()
    second = shown[_SHOWN[1]] if np.any(shown[_SHOWN[1]] != 0.0) else None
    if second is None:
        if len(others) != 1:
            raise source.error(f"expected two traces, found {first} alone.")
        if not np.array_equal(others[0][1][_FREQUENCY], shown[_FREQUENCY]):
            raise source.error("expected the same frequencies of both traces.")
        second = others[0][1][_SHOWN[0]]
    found = (shown[_FREQUENCY], shown[_SHOWN[0]], second)
    return [
        RawTable(
            columns={one.role: one.to_si(raw) for one, raw in zip(meant, found, strict=True) if one},
            kind="impedance",
            metadata=metadata,
            notes=tuple(dict.fromkeys(note for block in blocks.values() for note in block.notes)),
        )
    ]


def _traces(source: Source) -> Mapping[str, Block]:
    """Columns of each trace, by its name and by their labels in small letters."""
    lines = source.lines
    starts = [i for i, line in enumerate(lines) if _TRACE.match(line)]
    traces: dict[str, Block] = {}
    for start, stop in zip(starts, [*starts[1:], len(lines)], strict=True):
        name = lines[start].strip().strip('"').upper()
        at = next((i for i in range(start, stop) if '"frequency"' in lines[i].lower()), None)
        if name in traces or at is None:
            raise source.error(
                "expected traces A and B, each with a line of labels that begins with Frequency; found "
                f"{name} {'twice' if name in traces else 'without'}.",
                line=start + 1,
            )
        labels = [label.strip('" ').lower() for label in split_fields(lines[at], "\t")]
        traces[name] = _columns(source, labels, at + 1, stop)
    return traces


def _columns(source: Source, labels: Sequence[str], first: int, stop: int) -> Block:
    """Columns of a trace, by label."""
    wanted = [label for label in (_FREQUENCY, *_DATA, *_SHOWN) if label in labels]
    if not set(_DATA) <= set(wanted) and not set(_SHOWN) <= set(wanted):
        raise source.error(
            f"expected Data Real and Imag, or Data Trace Real and Imag; found {', '.join(labels)}.",
            line=first,
        )
    last = next((i for i in range(first, stop) if _is_words(source.lines[i])), stop)
    columns = [
        Column(labels.index(label), label, label, find_unit("Hz") if label == _FREQUENCY else None)
        for label in wanted
    ]
    return read_block(source, columns, labels, first, last)


def _is_words(line: str) -> bool:
    """Whether a line is none of the rows, nor an empty one."""
    return line.strip().startswith('"')


READER = Reader("Agilent 4294A/4395A ASCII", _recognises, _read)
