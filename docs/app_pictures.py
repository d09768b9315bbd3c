"""Draws the pictures of docs/app.md: every screen of the page in a browser.

    python docs/app_pictures.py samples        (an empty folder: samples are copied into it)

Needs chromium, the extra `app` and playwright. Samples A to C are fitted; of sample C one point is masked,
and every screen is looked at.
"""

import shutil
import subprocess
import sys
import threading
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from memfit.app.serve import Server

IMAGES = Path(__file__).parent / "images"
SAMPLES = Path(__file__).parents[1] / "sample_data"
PATIENCE = 120_000
"""ms that a fit may take on a busy machine."""


def draw(folder: Path) -> None:
    """Photograph every screen."""
    for name in ("mapbi3_a", "mapbi3_b", "mapbi3_c"):
        shutil.copytree(SAMPLES / name, folder / name)
    for name in ("mapbi3_a", "mapbi3_b"):
        words = [sys.executable, "-m", "memfit", "fit", str(folder / name), "-o", str(folder / name / "out")]
        subprocess.run([*words, "--quiet"], check=True, stdout=subprocess.DEVNULL)
    server = Server(folder)
    threading.Thread(target=server.run, daemon=True).start()
    server.ready.wait(120.0)
    with sync_playwright() as tool:
        chromium = tool.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--headless", "--no-sandbox", "--disable-gpu"]
        )
        page = chromium.new_page(viewport={"width": 1280, "height": 800})
        page.set_default_timeout(PATIENCE)
        page.goto(server.address)
        page.click(".devices a:has-text('mapbi3_c')")
        page.wait_for_selector("table.rows")
        every_screen(page)
        chromium.close()
    server.stop()


def every_screen(page: Page) -> None:
    """From the data to what is taken along, in the order of the page."""
    page.wait_for_selector(".light.consistent")
    photograph(page, "data")
    go_to(page, "Record")
    page.wait_for_selector("#record-0 .scatterlayer .point")
    points = page.locator("#record-1 .scatterlayer .trace").first.locator(".point")
    points.nth(3).dispatch_event("mousemove")
    box = points.nth(25).bounding_box()
    place = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.move(*place)
    page.wait_for_timeout(500)
    page.mouse.click(*place)
    page.wait_for_selector("#mask-said:has-text('1 of')")
    go_to(page, "Fit")
    page.wait_for_selector("#fit-3 .scatterlayer .trace")
    for number in (1, 2):  # the first one waits for the compiler
        page.click("#fit")
        page.wait_for_selector(f".fits:has-text('fit {number}')")
        page.wait_for_selector("#job:has-text('Fit done')")
    photograph(page, "fit")
    go_to(page, "Record")
    page.wait_for_selector("#record-3 .scatterlayer .point")
    photograph(page, "record")
    go_to(page, "Trust")
    page.wait_for_selector(".cards .fact")
    run(page, "#profile", "Profile")
    photograph(page, "trust")
    go_to(page, "Spike")
    page.wait_for_selector("#spike-4 .heatmaplayer image")
    page.locator("#control label", has_text="voltage").click()
    page.wait_for_timeout(3000)
    page.locator("#load [role=slider], [id=load] [role=slider]").first.focus()
    page.keyboard.press("End")
    page.wait_for_selector("#verdict:has-text('oscillates')")
    page.wait_for_timeout(10_000)
    photograph(page, "spike", whole=True)
    go_to(page, "Compare")
    page.wait_for_selector("#compared table")
    photograph(page, "compare")
    go_to(page, "Export")
    run(page, "#write", "Report")
    run(page, "button:has-text('Write the data sheet')", "Data sheet")
    photograph(page, "export")


def go_to(page: Page, screen: str) -> None:
    """Open a screen."""
    page.click(f"nav a:text-is('{screen}')")
    page.wait_for_selector(f"nav a.here:text-is('{screen}')")


def run(page: Page, button: str, job: str) -> None:
    """Have something computed, and wait for it."""
    page.click(button)
    page.wait_for_timeout(1500)
    page.wait_for_selector(f"#job:has-text('{job} done')")


def photograph(page: Page, screen: str, *, whole: bool = False) -> None:
    """As it is once nothing moves; `whole` down to its end."""
    page.mouse.move(3, 780)
    page.wait_for_timeout(2500)
    shot = Image.open(BytesIO(page.screenshot(full_page=whole)))
    few = shot.convert("RGB").convert("P", palette=Image.Palette.ADAPTIVE, colors=128)
    few.save(IMAGES / f"app_{screen}.png", optimize=True)


if __name__ == "__main__":
    draw(Path(sys.argv[1]))
