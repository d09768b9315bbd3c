"""The page in a real browser: script under its policy, keyboard and pointer, and an accessibility checker.

Chromium is used where it is installed. axe-core is used where the environment variable AXE_CORE names its
`axe.min.js`, or where `npm install axe-core` has put it into the project's folder.
"""

import html
import json
import os
import re
import shutil
import subprocess
import unicodedata
from pathlib import Path

import pytest

from memfit.reporting.fit.report import write_report

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
PROJECT = Path(__file__).parents[3]
AXE = Path(os.environ.get("AXE_CORE") or PROJECT / "node_modules" / "axe-core" / "axe.min.js")

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")

POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>')
ANSWER = re.compile(r'<pre id="answer">(.*?)</pre>', re.DOTALL)

TOUCH = """
function press(key) { button.dispatchEvent(new KeyboardEvent("keydown", {key: key, bubbles: true})); }
function point(type, x, y) {
  var place = {clientX: x, clientY: y, button: 0, pointerType: "mouse", bubbles: true};
  svg.dispatchEvent(new PointerEvent(type, place));
}
var svg = document.querySelector("svg[data-axes]"), figure = svg.parentNode;
var button = figure.querySelector("button"), note = figure.querySelector("output");
var whole = svg.getAttribute("viewBox"), answer = {};
button.focus();
press("+"); answer.zoomed = svg.getAttribute("viewBox") !== whole; answer.keyboard = note.textContent;
press("ArrowLeft"); press("Escape"); answer.back = svg.getAttribute("viewBox").split(" ").map(Number);
answer.whole = whole.split(" ").map(Number);
button.click(); answer.large = [figure.className, button.getAttribute("aria-pressed")]; button.click();
var box = svg.getBoundingClientRect(), x = box.left + box.width / 2, y = box.top + box.height / 2;
point("pointermove", x, y); answer.pointer = note.textContent;
point("pointerdown", x, y); point("pointermove", x + 40, y + 30); point("pointerup", x + 40, y + 30);
answer.dragged = Number(svg.getAttribute("viewBox").split(" ")[2]) / answer.whole[2];
answer.left = document.querySelectorAll(".band").length;
answer.wide = document.documentElement.scrollWidth <= window.innerWidth;
tell(answer);
"""
CHECK = """
axe.run(document, {resultTypes: ["violations"]}).then(function (found) {
  var faults = found.violations.map(function (v) { return v.id + ": " + v.nodes[0].html; });
  tell({violations: faults, passes: found.passes.length});
});
"""
TELL = """
function tell(answer) {
  var pre = document.createElement("pre"); pre.id = "answer"; pre.textContent = JSON.stringify(answer);
  document.body.appendChild(pre);
}
"""


def dumped(page, folder, *options):
    """The page as it stands after its scripts have run."""
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder}", *options]
    done = subprocess.run(
        [*command, "--dump-dom", page.as_uri()], capture_output=True, check=True, timeout=120
    )
    return done.stdout.decode()


def asked(page, folder, *scripts, options=()):
    """What scripts put into the page tell; they need its policy lifted."""
    text = POLICY.sub("", page.read_text(encoding="utf-8"))
    added = "".join(f"<script>{script}</script>" for script in (TELL, *scripts))
    copy = folder / "asked.html"
    copy.write_text(text.replace("</body>", f"{added}</body>"), encoding="utf-8")
    found = ANSWER.search(dumped(copy, folder, "--virtual-time-budget=60000", *options))
    assert found, "the scripts told nothing"
    return json.loads(html.unescape(found[1]))


@pytest.fixture(scope="module")
def page(result, fitted, tmp_path_factory):
    out = tmp_path_factory.mktemp("page")
    write_report(result, fitted, out, notes=("1 of 14 records is not at hand.",))
    return out / "report.html"


def test_the_script_runs_under_the_policy_of_the_page(page, tmp_path):
    live = dumped(page, tmp_path)
    assert live.count('<output class="readout"') == live.count(" data-axes=") > 20
    assert live.count('<button class="enlarge"') == live.count(" data-axes=")


@pytest.mark.parametrize("width", [1200, 400])
def test_values_zoom_and_keyboard(page, tmp_path, width):
    told = asked(page, tmp_path, TOUCH, options=[f"--window-size={width},900"])
    assert told["zoomed"]
    assert told["back"] == told["whole"]
    assert told["large"] == ["large", "true"]
    assert re.fullmatch(r"Frequency \(Hz\) .+, \|Z\| \(Ω\) .+", told["keyboard"])
    assert re.fullmatch(r"Frequency \(Hz\) .+, \|Z\| \(Ω\) .+", told["pointer"])
    assert 0.04 < told["dragged"] < 0.5
    assert told["left"] == 0
    assert told["wide"], "the page is wider than its window"


def printed(page, folder):
    """The text of each page as it is printed."""
    pypdf = pytest.importorskip("pypdf", reason="no pypdf, which reads what was printed")
    file = folder / "printed.pdf"
    options = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder}"]
    command = [CHROMIUM, *options, "--no-pdf-header-footer", f"--print-to-pdf={file}", page.as_uri()]
    subprocess.run(command, capture_output=True, check=True, timeout=120)
    texts = [sheet.extract_text() for sheet in pypdf.PdfReader(file).pages]
    return [" ".join(unicodedata.normalize("NFKC", text).split()) for text in texts]  # no ligatures


def test_no_printed_page_has_only_a_footer(page, tmp_path):
    """The last table is moved down until what follows it just needs one page more."""
    text = page.read_text(encoding="utf-8")
    head, rest = text.split("<main>")
    before, table = rest[rest.rindex("<section") :].rsplit('<div class="wide"', 1)
    footer = re.search(r"<footer><p>(.*?)</p></footer>", text)[1]

    def sheets_at(height):
        copy = tmp_path / "moved.html"
        space = f'<div style="height: {height}mm"></div><div class="wide"'
        copy.write_text(f"{head}<main>{before}{space}{table}", encoding="utf-8")
        sheets = printed(copy, tmp_path)
        assert all(sheets)
        assert footer in sheets[-1]
        assert len(sheets[-1].replace(footer, "").split()) > 3, f"{height} mm: {sheets[-1]!r}"
        return len(sheets)

    low, high, fewest = 0, 256, sheets_at(0)
    assert sheets_at(high) > fewest
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if sheets_at(middle) == fewest else (low, middle)


@pytest.mark.skipif(not AXE.is_file(), reason="no axe-core: set AXE_CORE or `npm install axe-core`")
def test_an_accessibility_checker_finds_nothing(page, tmp_path):
    told = asked(page, tmp_path, AXE.read_text(encoding="utf-8").replace("</script", r"<\/script"), CHECK)
    assert told["violations"] == []
    assert told["passes"] > 20
