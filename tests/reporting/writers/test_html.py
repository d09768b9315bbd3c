"""SVG made fit for a page."""

import re

from memfit.reporting.writers.html import inline, standalone

FILE = """<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE svg PUBLIC "x" "y">
<svg xmlns:xlink="http://www.w3.org/1999/xlink" width="10pt" height="5pt" viewBox="0 0 10 5" version="1.1">
 <metadata><date>2026</date></metadata>
 <defs><style type="text/css">*{stroke-linejoin: round; stroke-linecap: butt}</style></defs>
 <!-- words -->
 <g id="figure_1"><path id="m1" d="M 1.23456 -2.3456
L 3 4.5 "/><use xlink:href="#m1"/><g clip-path="url(#p1)"/></g>
 <clipPath id="p1"><rect/></clipPath><text>1.23456</text>
</svg>
"""


def test_a_file_keeps_its_head_but_no_date_and_few_digits():
    text = standalone(FILE)
    assert text.startswith("<?xml")
    assert "metadata" not in text
    assert 'd="M 1.23 -2.34L 3 4.5 "' in text
    assert "<text>1.23456</text>" in text


def test_inline_ids_are_unique_and_only_those_in_use():
    text = inline(standalone(FILE), "iv", 'a "curve" <b>')
    assert text.startswith('<svg class="figure" viewBox="0 0 10 5" role="img"')
    assert re.findall(r' id="([^"]*)"', text) == ["iv-m1", "iv-p1"]
    assert 'xlink:href="#iv-m1"' in text
    assert "url(#iv-p1)" in text
    assert 'aria-label="a &quot;curve&quot; &lt;b&gt;"' in text
    assert "<!--" not in text
    assert "<style" not in text


def test_frames_are_kept_as_data():
    text = inline(standalone(FILE), "iv", "x", [{"x": 'u "V"', "box": [0, 1]}])
    assert 'data-axes="[{&quot;x&quot;:&quot;u \\&quot;V\\&quot;&quot;,&quot;box&quot;:[0,1]}]"' in text
