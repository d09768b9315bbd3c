"""The page in a real browser: what a user does, from a folder to what stands on the disk."""

import json
import logging
import re
import shutil
import time
from pathlib import Path

import pytest

from memfit.app import work

playwright = pytest.importorskip("playwright.sync_api", reason="tests in a browser need playwright")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="tests in a browser need Debian's chromium")

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
SAMPLE = Path(__file__).parents[2] / "sample_data" / "mapbi3_c"
SECONDS = 60_000
"""ms that anything may take on a busy machine."""


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as tool:
        made = tool.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield made
        made.close()


@pytest.fixture
def page(browser):
    """A tab that remembers what it asked for and what went wrong."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    tab = context.new_page()
    tab.set_default_timeout(SECONDS)
    tab.asked, tab.faults = [], []
    tab.on("request", lambda request: tab.asked.append(request.url))
    tab.on("pageerror", lambda fault: tab.faults.append(str(fault)))
    yield tab
    assert not tab.faults
    assert all(url.startswith(("http://127.0.0.1:", "data:", "blob:")) for url in tab.asked)
    context.close()


def until(condition, seconds=60.0):
    """Wait for something that is seen or stands on the disk."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.05)


def go_to(page, screen):
    page.click(f"nav a:text-is('{screen}')")
    page.wait_for_selector(f"nav a.here:text-is('{screen}')")


@pytest.fixture
def opened(page, serve, folder):
    """The data screen of a copy of sample C."""
    page.goto(serve(folder).address)
    page.click(".devices a")
    page.wait_for_selector("table.rows")
    return page


def row(page, file):
    return page.locator("table.rows tbody tr", has_text=file)


def test_a_bias_is_corrected_and_undone(opened, folder):
    cell = row(opened, "eis_0.58V.csv").locator(".dash-input-container input")
    assert cell.input_value() == "580 mV"
    cell.fill("0.6 V")
    cell.press("Enter")
    until(lambda: "0.6 V" in opened.text_content("#device-toml"))
    assert 'bias = "0.6 V"' in (folder / "device.toml").read_text()
    opened.wait_for_selector(".light.consistent")
    opened.click("#undo")
    until(lambda: "0.6 V" not in opened.text_content("#device-toml"))
    assert 'bias = "0.6 V"' not in (folder / "device.toml").read_text()


def test_a_mistake_is_told_in_the_words_of_the_command_line(opened, folder):
    before = (folder / "device.toml").read_text()
    cell = row(opened, "eis_0.58V.csv").locator(".dash-input-container input")
    cell.fill("much")
    cell.press("Enter")
    opened.wait_for_selector(".banner.shown")
    assert "measurement 4, bias" in opened.text_content(".banner")
    assert (folder / "device.toml").read_text() == before


def test_a_file_is_left_out(opened, folder):
    row(opened, "iv_5Vs.csv").locator("input[type=checkbox]").click()
    until(lambda: "iv_5Vs.csv" not in opened.text_content("#device-toml"))
    assert "iv_5Vs.csv" not in (folder / "device.toml").read_text()


def test_points_are_masked_by_click_and_box(opened, folder):
    go_to(opened, "Record")
    opened.wait_for_selector("#record-0 .scatterlayer .point")

    def masked():
        return int((opened.text_content("#mask-said") or "-1").split()[0])

    opened.locator("#record-1 .scatterlayer .trace").first.locator(".point").nth(3).dispatch_event(
        "mousemove"
    )
    box = opened.locator("#record-1 .nsewdrag").bounding_box()
    point = opened.locator("#record-1 .scatterlayer .trace").first.locator(".point").nth(10).bounding_box()
    x, y = point["x"] + point["width"] / 2, point["y"] + point["height"] / 2
    opened.mouse.move(x, y)
    opened.wait_for_timeout(300)
    opened.mouse.click(x, y)
    until(lambda: masked() == 1)
    assert "leave_out = [11]" in (folder / "device.toml").read_text()
    opened.hover("#record-1 .nsewdrag")
    opened.click("#record-1 .modebar-btn[data-val=select]")
    left, top, right, bottom = (box["x"], box["y"], box["x"] + box["width"], box["y"] + box["height"])
    opened.mouse.move(left + 0.8 * (right - left), top + 0.5 * (bottom - top))
    opened.mouse.down()
    opened.mouse.move(right - 2, bottom - 2, steps=6)
    opened.mouse.up()
    assert opened.locator("[data-title*=Share], [data-title*=Cloud]").count() == 0
    until(lambda: masked() > 3)
    opened.click("#undo")
    until(lambda: masked() == 1)


def test_files_are_dropped(page, serve, tmp_path, folder):
    empty = tmp_path / "empty"
    empty.mkdir()
    page.goto(serve(empty).address)
    page.wait_for_selector("#drop")
    names = ["eis_0.58V.csv", "iv_5Vs.csv", "pulse_34uA.csv", "README.md"]
    page.locator("#drop input[type=file]").set_input_files([str(folder / name) for name in names])
    page.wait_for_selector("table.rows")
    assert sorted(path.name for path in (empty / "dropped-1").glob("*.csv")) == sorted(names[:3])


def test_it_can_be_used_by_keyboard(opened):
    opened.locator("#home").focus()
    seen = set()
    for _ in range(12):
        seen.add(opened.evaluate("document.activeElement.textContent || document.activeElement.tagName"))
        opened.keyboard.press("Tab")
    assert {"Data", "Record", "Undo", "Redo"} <= seen


@pytest.fixture
def fitting(opened):
    """The fit screen of sample C."""
    go_to(opened, "Fit")
    opened.wait_for_selector("#fit-3 .scatterlayer .trace")
    return opened


def said(page):
    return page.text_content("#job") or ""


def value_of(page, name):
    return page.locator(f'[id*=\'"name":"{name}"\'][id*=\'"type":"value"\']').input_value()


def model_line(page):
    """The path of a model curve as it is drawn."""
    return page.locator("#fit-0 .scatterlayer .trace path.js-line").first.get_attribute("d")


def numbers(path):
    """Coordinates of a path, px."""
    return [float(word) for word in re.findall(r"-?[\d.]+", path)]


def saved_steps(folder):
    """The steps that would survive a crash."""
    (saved,) = [json.loads(one.read_text()) for one in (folder / ".memfit-app").glob("state-*.json")]
    return saved["steps"]


def test_a_slider_moves_all_data_and_can_be_undone(fitting, folder):
    before, value = model_line(fitting), value_of(fitting, "R_b")
    slider = fitting.locator(".parameter [role=slider]").first
    slider.focus()
    for _ in range(5):
        fitting.keyboard.press("ArrowRight")
    until(lambda: model_line(fitting) != before)
    until(lambda: value_of(fitting, "R_b") != value)
    fitting.wait_for_timeout(600)  # the library has taken the curves over, and draws the same
    drawn, ours = numbers(model_line(fitting)), []
    fitting.keyboard.press("ArrowLeft")
    until(lambda: len(ours.append(numbers(model_line(fitting))) or ours[-1]) != len(drawn))
    fitting.wait_for_timeout(600)
    again = numbers(model_line(fitting))
    assert again[:2] == pytest.approx(ours[-1][:2], abs=0.2)
    assert again[-2:] == pytest.approx(ours[-1][-2:], abs=0.2)
    assert fitting.locator(".misfits .bad").count() > 0
    until(lambda: fitting.text_content("#history").startswith("R_b moved"))
    held, steps = value_of(fitting, "R_b"), len(saved_steps(folder))
    handle = slider.bounding_box()
    fitting.mouse.move(handle["x"] + 5, handle["y"] + 5)
    fitting.mouse.down()
    fitting.mouse.move(handle["x"] - 30, handle["y"] + 5, steps=8)
    fitting.mouse.up()
    until(lambda: len(saved_steps(folder)) == steps + 1)  # one step a drag, taken once it rests
    until(lambda: value_of(fitting, "R_b") != held)
    fitting.click("#undo")
    until(lambda: value_of(fitting, "R_b") == held)


def test_guess_fix_fit_switch_a_part_on_and_reload(fitting, folder):
    fitting.click("#guess")
    until(lambda: said(fitting).startswith("Guess done"))
    until(lambda: fitting.text_content("#history").startswith("guessed"))
    fitting.wait_for_timeout(300)
    typed = fitting.locator('[id*=\'"name":"R_s"\'][id*=\'"type":"value"\']')
    typed.fill("28 ohm")
    typed.press("Enter")
    until(lambda: value_of(fitting, "R_s") == "28 ohm")
    fitting.locator('[id*=\'"name":"R_s"\'][id*=\'"type":"fix"\'] input').check()
    until(lambda: fitting.text_content("#history").startswith("fix R_s"))
    fitting.wait_for_timeout(300)
    fitting.click("#fit")
    until(lambda: said(fitting).startswith("Fit done"), 120.0)
    assert 'fix = {R_s = "28.0 ohm"}' in (folder / "device.toml").read_text()
    until(lambda: fitting.locator(".misfits .good").count() == 14)
    until(lambda: "fit 1" in fitting.text_content(".fits"))
    result = json.loads((folder / ".memfit-app" / "fit-1.json").read_text())
    assert result["parameters"]["R_s"]["status"] == "fixed"
    assert result["parameters"]["R_b"]["value"] == pytest.approx(120e3, rel=0.01)
    fitting.click(".parts summary")
    fitting.locator(".parts label", has_text="branch").click()
    until(lambda: fitting.locator(".parameter").count() == 10, 400.0)
    fitting.reload()
    fitting.wait_for_selector("#fit-3 .scatterlayer .trace")
    assert fitting.locator(".parameter").count() == 10
    assert value_of(fitting, "R_s") == "28 ohm"


def test_a_fit_is_stopped(fitting, folder):
    fitting.click("#fit")
    until(lambda: "Fitting" in said(fitting) or "Fit:" in said(fitting))
    fitting.click("#stop")
    until(lambda: said(fitting).startswith("Stopped"))
    fitting.wait_for_timeout(1000)
    assert said(fitting).startswith("Stopped")
    assert not (folder / ".memfit-app" / "fit-1.json").exists()


def test_a_fit_that_cannot_be_says_why(page, serve, folder):
    """A spectrum without a bias is red, and the fit is refused as the command line refuses it."""
    (folder / "device.toml").unlink()
    text = (folder / "eis_0.58V.csv").read_text().splitlines()
    (folder / "eis.csv").write_text("\n".join(line for line in text if not line.startswith("# bias")))
    (folder / "eis_0.58V.csv").unlink()
    page.goto(serve(folder).address)
    page.click(".devices a")
    page.wait_for_selector("table.rows .missing")
    go_to(page, "Fit")
    page.wait_for_selector("#fit-3 .scatterlayer .trace")
    page.click("#fit")
    page.wait_for_selector(".banner.shown")
    assert "a spectrum needs its dc bias" in page.text_content(".banner")
    go_to(page, "Data")
    cell = row(page, "eis.csv").locator(".dash-input-container input")
    cell.fill("0.58 V")
    cell.press("Enter")
    until(lambda: page.locator("table.rows .missing").count() == 0)
    assert 'bias = "0.58 V"' in (folder / "device.toml").read_text()


def test_an_end_that_cannot_be_is_told(fitting):
    end = fitting.locator('[id*=\'"end":"min"\'][id*=\'"name":"R_b"\']')
    end.fill("3 V")
    end.press("Enter")
    fitting.wait_for_selector(".banner.shown")
    assert "R_b" in fitting.text_content(".banner")


@pytest.fixture(scope="module")
def fitted_folder(tmp_path_factory):
    """Sample C with a fit that the page made once, without the page."""
    folder = shutil.copytree(SAMPLE, tmp_path_factory.mktemp("fitted") / "device")
    (folder / ".memfit-app").mkdir()
    out = folder / "out" / "result.json"
    out.parent.mkdir()
    answer = work.fit(str(folder), str(out), str(tmp_path_factory.mktemp("told") / "told.json"))
    assert "fault" not in answer
    logging.getLogger("memfit").handlers.clear()
    return folder


@pytest.fixture
def fitted(page, serve, fitted_folder, tmp_path):
    """The page of a stored fit: `memfit app RESULT`."""
    folder = Path(shutil.copytree(fitted_folder, tmp_path / "device"))
    result = folder / "out" / "result.json"
    text = json.loads(result.read_text())
    text["data"] = {"paths": [str(folder)], "relative": [".."]}
    text.pop("digest")
    result.write_text(json.dumps(text))
    page.goto(serve(result).address)
    page.click(".devices a")
    page.wait_for_selector("table.rows")
    page.device = folder
    return page


def test_a_stored_fit_is_looked_at_and_believed(fitted):
    go_to(fitted, "Trust")
    fitted.wait_for_selector(".cards .fact")
    said = fitted.text_content("#screen")
    assert "The model describes all records within their noise." in said
    assert "determined" in said
    fitted.click("#plan-next")
    fitted.wait_for_selector("#experiment")
    fitted.locator("label:has(#experiment) .dash-dropdown").click()
    fitted.locator(
        ".dash-dropdown-content [role=option], .dash-dropdown-option, .dash-dropdown-content label"
    ).first.click()
    fitted.wait_for_selector("#simulated .scatterlayer .trace")


def test_the_circuit_decides(fitted):
    go_to(fitted, "Spike")
    until(lambda: "oscillates" in (fitted.text_content("#verdict") or ""))
    fitted.wait_for_selector("#spike-0 .scatterlayer .trace")
    fitted.wait_for_selector("#spike-3 .scatterlayer .trace")
    fitted.wait_for_selector("#spike-4 .heatmaplayer image")  # the map of gain margins, the device on it
    fitted.wait_for_selector("#spike-4 .scatterlayer .point")
    fitted.locator("#control label", has_text="voltage").click()
    until(lambda: (fitted.text_content("#verdict") or "").startswith("stable"))
    slider = fitted.locator("#load [role=slider], [id=load] [role=slider]").first
    slider.focus()
    fitted.keyboard.press("End")
    until(lambda: (fitted.text_content("#verdict") or "").startswith("oscillates"))


def test_fits_are_compared_and_opened(fitted):
    go_to(fitted, "Compare")
    fitted.wait_for_selector("#compared table")
    fitted.click("#compared button:has-text('gain margin')")
    until(lambda: "▲" in fitted.text_content("#compared thead"))
    assert "119.9" in fitted.text_content("#compared tbody")
    fitted.locator("#compared button.link").first.click()
    fitted.wait_for_selector("nav a.here:text-is('Trust')")


def test_everything_is_taken_along(fitted):
    go_to(fitted, "Export")
    fitted.click("#write")
    until(lambda: said(fitted).startswith("Report done"), 120.0)
    until(lambda: "results-1" in fitted.text_content("#screen"))
    assert (fitted.device / "results-1" / "report.html").is_file()
    for words, name in (
        ("report.html", "report.html"),
        ("all as zip", "results-1.zip"),
        ("device.toml", "device.toml"),
    ):
        with fitted.expect_download() as taken:
            fitted.locator("#screen button", has_text=words).first.click()
        assert taken.value.suggested_filename == name
    assert f"memfit fit {fitted.device}" in fitted.text_content("#screen")


@pytest.fixture(scope="module")
def looked_over(browser, serve, fitted_folder):
    """A page with a fit, into which a program that looks it over may be put; opened once for all screens."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, bypass_csp=True)
    page = context.new_page()
    page.set_default_timeout(SECONDS)
    page.goto(serve(fitted_folder).address)
    page.click(".devices a")
    page.wait_for_selector("table.rows")
    yield page
    context.close()


@pytest.mark.parametrize("screen", ["Data", "Record", "Fit", "Trust", "Spike", "Compare", "Export"])
def test_nothing_serious_stands_in_the_way_of_anybody(looked_over, screen):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe-playwright-python")
    go_to(looked_over, screen)
    looked_over.wait_for_timeout(2000)
    found = axe.Axe().run(looked_over).response["violations"]
    assert [one["id"] for one in found if one["impact"] in ("serious", "critical")] == []
