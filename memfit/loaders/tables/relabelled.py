"""A table of a known program in the words of a generic one, so that one reader of tables serves both."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from memfit.loaders.source import Source


def relabelled(
    source: Source, at: int, labels: Sequence[str], separator: str, stated: Mapping[str, str]
) -> Source:
    """The same rows on the same lines, under other labels and below settings that memfit acts on.

    Parameters
    ----------
    source : Source
    at : int
        Index (from 0) of the line of labels; those above it are left out.
    labels : sequence of str
    separator : str
        Of the rows.
    stated : mapping of str to str
        Settings such as {"bias": "300 mV"}; no more than there are lines above.
    """
    above = [f"# {key}: {value}" for key, value in stated.items()]
    lines = [*above, *[""] * (at - len(above)), separator.join(labels), *source.lines[at + 1 :]]
    return replace(source, data="\n".join(lines).encode("utf-8", errors="replace"))
