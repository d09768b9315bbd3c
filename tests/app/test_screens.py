"""The page in a real browser: what a user does, from a folder to what stands on the disk."""

import shutil
import time

import pytest

playwright = pytest.importorskip("playwright.sync_api", reason="tests in a browser need playwright")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="tests in a browser need Debian's chromium")

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
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
