"""A server, and a headless Chromium that shows its page."""

from __future__ import annotations

import base64
import pathlib
import shutil
import sys

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "bindings/python/src"), str(ROOT / "bindings/python/tests/server")]
DESKTOP, PHONE = (1280, 900), (390, 844)
SECONDS = 120
ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
)


class Page:
    """The page in the browser."""

    def __init__(self, driver, url, folder):
        self.driver, self.url, self._folder = driver, url, folder

    def open(self, size=DESKTOP, scheme="light"):
        self.show_as(size, scheme)
        self.driver.get(self.url)
        self.until(lambda: self.driver.execute_script("return document.body.dataset.ready"))
        return self

    def show_as(self, size=DESKTOP, scheme="light"):
        width, height = size
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": size == PHONE}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def __getitem__(self, name):
        return self.driver.find_element(By.ID, name)

    def all(self, selector):
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def script(self, code, *arguments):
        return self.driver.execute_script(code, *arguments)

    def type(self, **texts):
        for name, text in texts.items():
            self[name].clear()
            self[name].send_keys(str(text))

    def press(self, name):
        self.script("arguments[0].scrollIntoView({ block: 'center' })", self[name])
        self[name].click()

    def generate(self, **texts):
        """Starts a run."""
        self.type(**texts)
        self.press("generate")

    def until(self, condition):
        return WebDriverWait(self.driver, SECONDS, 0.02).until(lambda _: condition())

    def until_made(self, images):
        """Waits until the run is over and the gallery has so many images."""
        self.until(lambda: self["generate"].is_enabled() and len(self.all("#gallery img")) == images)

    def picture(self, name):
        """Writes what the window shows to a file, to be looked at."""
        shot = self.driver.execute_cdp_cmd("Page.captureScreenshot", {})
        (self._folder / f"{name}.png").write_bytes(base64.b64decode(shot["data"]))

    def complaints(self):
        """What the browser has complained about: errors of scripts, resources and the policy."""
        return [entry["message"] for entry in self.driver.get_log("browser")]


@pytest.fixture(scope="session")
def driver(tmp_path_factory):
    options = Options()
    for argument in ARGUMENTS:
        options.add_argument(argument)
    options.add_argument(f"--user-data-dir={tmp_path_factory.mktemp('chromium')}")
    options.binary_location = shutil.which("chromium")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    yield driver
    driver.quit()


@pytest.fixture
def server():
    from running_server import RunningServer, until

    server = RunningServer("--max-images", "4", model=str(ROOT / "models/emoji"))
    until(lambda: server.get("/ready").status == 200)
    yield server
    server.close()


@pytest.fixture
def page(driver, server):
    """The page, open. At the end the browser must have complained about nothing."""
    folder = ROOT / "build" / "page"
    folder.mkdir(parents=True, exist_ok=True)
    page = Page(driver, server.url, folder)
    page.complaints()
    yield page.open()
    assert page.complaints() == []
