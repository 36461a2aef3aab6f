"""Screenshots of the main pages of a running demonstration: `make shots`, or by hand
`python tests/ui/shots.py LINK FOLDER`.

LINK is the one-time link that `beffroi demo` prints (or the address of a hub in which this account
exists). Makes an account, then looks around on a desk and on a phone; small PNG files.
"""

from __future__ import annotations

import io
import re
import shutil
import sys
from pathlib import Path
from urllib.parse import urlsplit

from PIL import Image
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
NAME, PASSPHRASE = "Camille Martin", "cloche beffroi matin sonnerie"
SIZES = {"desktop": (1440, 900), "phone": (390, 844)}
# file name, size, theme, page; `ALARM` and `ASSET` stand for the gravest alarm and its asset,
# `COMMAND` for the one that waits longest, `TARGET` for something that can be commanded
SHOTS = (
    ("map-desktop", "desktop", "light", "/"),
    ("map-dark", "desktop", "dark", "/?asset=ASSET"),
    ("map-phone", "phone", "light", "/"),
    ("alarms-desktop", "desktop", "light", "/alarms"),
    ("alarms-phone", "phone", "dark", "/alarms"),
    ("alarm-desktop", "desktop", "light", "/alarms/ALARM"),
    ("asset-desktop", "desktop", "light", "/assets/ASSET"),
    ("asset-phone", "phone", "light", "/assets/ASSET"),
    ("devices-desktop", "desktop", "light", "/devices"),
    ("wizard-desktop", "desktop", "light", "/add/device?asset=ASSET"),
    ("data-desktop", "desktop", "light", "/data"),
    ("commands-desktop", "desktop", "light", "/commands"),
    ("commands-phone", "phone", "light", "/commands"),
    ("command-desktop", "desktop", "light", "/commands/COMMAND"),
    ("command-phone", "phone", "dark", "/commands/COMMAND"),
    ("act-desktop", "desktop", "light", "/act/TARGET"),
    ("plans-desktop", "desktop", "light", "/plans"),
    ("guards-desktop", "desktop", "light", "/guards"),
    ("signers-desktop", "desktop", "light", "/trust"),
    ("evidence-desktop", "desktop", "light", "/evidence"),
    ("code-phone", "phone", "light", "/code"),
    ("mayor-desktop", "desktop", "light", "/maire"),
    ("mayor-phone", "phone", "light", "/maire"),
    ("dossier-desktop", "desktop", "light", "/dossier"),
    ("incidents-desktop", "desktop", "light", "/incidents"),
    ("indicators-desktop", "desktop", "light", "/indicators"),
    ("maturity-desktop", "desktop", "light", "/maturity"),
    ("reports-desktop", "desktop", "light", "/reports"),
    ("report-phone", "phone", "light", "/signaler"),
    ("reported-phone", "phone", "light", "/signalements"),
    ("ideas-phone", "phone", "light", "/ideas"),
    ("results-phone", "phone", "light", "/results"),
    ("privacy-desktop", "desktop", "light", "/privacy"),
)
COLOURS = 200  # of the palette: flat pages lose nothing, the file is a third


def enter(page: Page, link: str) -> None:
    """Through the one-time link, or by signing in."""
    page.goto(link)
    page.fill("input[name=name]", NAME)
    page.fill("input[name=passphrase]", PASSPHRASE)
    page.click("button[type=submit].primary")
    page.wait_for_selector(".rail")


def gravest(page: Page, base: str) -> tuple[str, str]:
    """(alarm, asset) of the first on the desk that belongs to an asset."""
    found = page.request.get(base + "/api/alarms").json()
    first = next((one for one in found if one["asset"]), None)
    if first:
        return str(first["id"]), str(first["asset"])
    return "", str(page.request.get(base + "/api/assets").json()[0]["id"])


def commanded(page: Page, base: str) -> tuple[str, str]:
    """(command, target); "" where the demonstration commands nothing."""
    rows = []
    for state in ("open", "final"):
        answer = page.request.get(f"{base}/api/commands?state={state}")
        rows += answer.json()[::-1] if answer.ok else []
    answer = page.request.get(base + "/api/commands/targets")
    targets = answer.json() if answer.ok else []
    return str(rows[0]["id"]) if rows else "", str(targets[0]["target"]) if targets else ""


def keep(page: Page, path: Path) -> None:
    page.wait_for_timeout(1_500)
    image = Image.open(io.BytesIO(page.screenshot()))
    image.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)


def main(link: str, out: Path) -> None:
    base = "{0.scheme}://{0.netloc}".format(urlsplit(link))
    out.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as tool:
        browser = tool.chromium.launch(executable_path=shutil.which("chromium"), args=ARGS)
        page = browser.new_page(locale="fr-FR")
        enter(page, link)
        state = page.context.storage_state()
        alarm, asset = gravest(page, base)
        stand = dict(zip(("COMMAND", "TARGET"), commanded(page, base), strict=True))
        stand |= {"ALARM": alarm, "ASSET": asset}
        for name, size, theme, where in SHOTS:
            if any(not stand[word] for word in stand if word in where):
                continue
            width, height = SIZES[size]
            context = browser.new_context(
                viewport={"width": width, "height": height},
                storage_state=state,
                locale="fr-FR",
                color_scheme="dark" if theme == "dark" else "light",
                reduced_motion="reduce",
            )
            page = context.new_page()
            path = re.sub("|".join(stand), lambda found: stand[found[0]], where)
            page.goto(base + path)
            if page.locator("#map:not([hidden])").count():
                page.wait_for_selector("#map[data-ready]", timeout=60_000)
            keep(page, out / f"{name}.png")
            context.close()
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
