"""`memfit report`: what is asked for."""

from argparse import Namespace

import pytest

from memfit.cli.report import options_of
from memfit.errors import InputError


def asked(**words):
    return Namespace(**{"format": "html", "figures": "svg", "width": "single", "style": None, **words})


@pytest.mark.parametrize(
    "words", [{"format": ""}, {"format": "html,docx"}, {"format": ","}, {"figures": "gif"}]
)
def test_formats_that_are_unknown(words):
    with pytest.raises(InputError, match="out of"):
        options_of(asked(**words))


def test_formats():
    options = options_of(asked(format="html, md", figures="svg,png"))
    assert options.formats == ("html", "md")
    assert options.figures == ("svg", "png")
