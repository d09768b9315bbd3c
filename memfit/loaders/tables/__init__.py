"""Tables as people write them: headers, units, separators, several sweeps in one file.

What readers of a format use of it is handed on here.
"""

from memfit.loaders.tables.blocks import Block, read_block, read_draws, read_fields
from memfit.loaders.tables.choice import place_of, with_named
from memfit.loaders.tables.headerless import question_of_layout
from memfit.loaders.tables.labels import (
    Column,
    Field,
    contradicted,
    find_fields,
    need,
    normalise,
    understand,
    words_of_headers,
)
from memfit.loaders.tables.layout import (
    SEPARATORS,
    Layout,
    count_note,
    end_notes,
    header_values,
    judge_last,
    labels_of,
    number,
    optional_number,
    split_fields,
)
from memfit.loaders.tables.read import read_text_tables
from memfit.loaders.tables.relabelled import relabelled
from memfit.loaders.tables.rows import TextTable, read_rows

__all__ = [
    "SEPARATORS",
    "Block",
    "Column",
    "Field",
    "Layout",
    "TextTable",
    "contradicted",
    "count_note",
    "end_notes",
    "find_fields",
    "header_values",
    "judge_last",
    "labels_of",
    "need",
    "normalise",
    "number",
    "optional_number",
    "place_of",
    "question_of_layout",
    "read_block",
    "read_draws",
    "read_fields",
    "read_rows",
    "read_text_tables",
    "relabelled",
    "split_fields",
    "understand",
    "with_named",
    "words_of_headers",
]
