"""`memfit report`: what is asked for."""

from argparse import Namespace

import pytest

from memfit.cli.report import edition_of
from memfit.errors import InputError


def asked(**words):
    return Namespace(**{"format": "html", "figures": "svg", "width": "single", "style": None, **words})


@pytest.mark.parametrize(
    "words", [{"format": ""}, {"format": "html,docx"}, {"format": ","}, {"figures": "gif"}]
)
def test_formats_that_are_unknown(words):
    with pytest.raises(InputError, match="out of"):
        edition_of(asked(**words))


def test_formats():
    edition = edition_of(asked(format="html, md", figures="svg,png"))
    assert edition.formats == ("html", "md")
    assert edition.look.figures == ("svg", "png")
