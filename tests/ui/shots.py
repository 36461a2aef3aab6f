"""Screenshots of the main pages of a running demonstration: `python tests/ui/shots.py LINK OUT`.

LINK is the one-time link that `beffroi demo` prints. Makes an account, then looks around at
desktop and phone sizes.
"""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Page, sync_playwright

ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
]
SIZES = {"desktop": (1440, 900), "phone": (390, 844)}


def enter(page: Page, link: str) -> None:
    page.goto(link)
    page.fill("input[name=name]", "Camille Martin")
    for field in page.query_selector_all("input[type=password]"):
        field.fill("cloche beffroi matin sonnerie")
    page.click("button[type=submit]")
    page.wait_for_load_state("networkidle")


def first_link(page: Page, pattern: str) -> str:
    hrefs = [a.get_attribute("href") or "" for a in page.query_selector_all("a[href]")]
    return next((h for h in hrefs if re.search(pattern, h)), "")


def main(link: str, out: Path, theme: str = "light") -> None:
    base = "{0.scheme}://{0.netloc}".format(urlsplit(link))
    out.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as tool:
        browser = tool.chromium.launch(executable_path=shutil.which("chromium"), args=ARGS)
        state = None
        for size, (width, height) in SIZES.items():
            context = browser.new_context(
                viewport={"width": width, "height": height},
                storage_state=state,
                locale="fr-FR",
                color_scheme="dark" if theme == "dark" else "light",
            )
            page = context.new_page()
            if state is None:
                enter(page, link)
                state = context.storage_state()
            shoot(page, base, out, size)
            context.close()
        browser.close()


def shoot(page: Page, base: str, out: Path, size: str) -> None:
    def keep(name: str) -> None:
        page.wait_for_timeout(1_800)
        page.screenshot(path=str(out / f"{name}-{size}.png"))

    page.goto(base + "/")
    keep("map")
    names = {"alarms": r"^/alarms?$", "devices": r"^/devices$", "health": r"^/health$"}
    for name, pattern in names.items():
        href = first_link(page, pattern)
        if href:
            page.goto(base + href)
            keep(name)
            detail = first_link(page, r"^/alarms/\w") if name == "alarms" else ""
            if detail:
                page.goto(base + detail)
                keep("alarm")
                page.goto(base + "/")
    for name, path in {"list": "/list", "wizard": "/devices/new"}.items():
        if (page.goto(base + path) or page.goto(base + "/")).ok:  # type: ignore[union-attr]
            keep(name)
            asset = first_link(page, r"^/assets/tower|^/assets/\w") if name == "list" else ""
            if asset:
                page.goto(base + asset)
                keep("asset")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), *sys.argv[3:])
