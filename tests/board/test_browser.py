"""The board in a real browser: views, a curve that grows, keys, narrow and dark screens."""

import shutil
import socket
import subprocess
import sys
import time

import pytest
from PIL import Image

from tests.board.events import start, train, write
from tests.board.test_app import folder  # noqa: F401 - a fixture

webdriver = pytest.importorskip("selenium.webdriver", reason="needs selenium")
CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="needs chromium and chromedriver on the PATH"
)
FLAGS = (
    "--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --disable-quic --window-size=1300,900"
)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    options = webdriver.ChromeOptions()
    for flag in (*FLAGS.split(), f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.binary_location = CHROMIUM
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def address(folder):  # noqa: F811
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "caffe_lite", "board", str(folder), "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        yield server.stdout.readline().strip()
        server.terminate()


def until(check, seconds=20):
    end = time.monotonic() + seconds
    while not (found := check()):
        assert time.monotonic() < end, "nothing came"
        time.sleep(0.1)
    return found


def find(browser, selector):
    return browser.find_elements("css selector", selector)


def test_every_view(browser, address, folder, tmp_path):  # noqa: F811
    browser.get(address)
    until(lambda: len(find(browser, ".chart canvas")) >= 4)
    titles = [each.text for each in find(browser, ".chart h2")]
    assert titles[0] == "train loss" and "gradient norm" in titles
    sizes = [each.size for each in find(browser, ".chart canvas")]
    assert all(size["width"] > 200 and size["height"] > 200 for size in sizes)
    picture = browser.get_screenshot_as_png()
    assert len(picture) > 20_000

    # A run that is going on: its curve grows without a click.
    log = folder / "growing" / "train.jsonl"
    write(log, start(), *(train(i, 5.0 - i) for i in range(3)))
    until(lambda: find(browser, '#runs li[data-name="growing"]'))
    count = "return import('/static/common.js').then(m => m.state.runs.find(r => r.name === "
    count += "'growing')?.iteration)"
    assert until(lambda: browser.execute_script(count) == 2)
    write(log, *(train(i, 5.0 - i) for i in range(3, 9)), mode="a")
    assert until(lambda: browser.execute_script(count) == 8)

    # The net, by keyboard: choose the tab, a layer, see its filters.
    browser.execute_script("""document.querySelector('#runs li[data-name="made"] .name').focus()""")
    browser.switch_to.active_element.send_keys(" ")
    until(lambda: find(browser, '#runs li[data-name="made"][aria-current]'))
    kept = "return document.activeElement.closest('li')?.dataset.name"
    assert browser.execute_script(kept) == "made", "the list took the keyboard's place away"
    tab = browser.find_element("id", "tab-curves")
    tab.send_keys("\ue014")  # right arrow
    layer = until(lambda: find(browser, '#graph g[data-name="conv"]'))[0]
    layer.send_keys("\ue007")  # enter
    until(lambda: find(browser, "#layer canvas.tiles"))
    assert "num_output: 5" in browser.find_element("id", "layer").text
    assert len(find(browser, "#layer svg")) >= 2, "no histograms"

    # An image through the net: its outputs, and what the chosen layer makes of it.
    Image.new("RGB", (8, 7), (200, 30, 90)).save(tmp_path / "image.png")
    browser.find_element("id", "image").send_keys(str(tmp_path / "image.png"))
    until(lambda: "snap_iter_6.caffemodel" in browser.find_element("id", "outputs").text)
    until(lambda: "for the image" in browser.find_element("id", "layer").text)

    browser.find_element("id", "tab-log").click()
    until(lambda: "Optimization Done." in browser.find_element("id", "log-text").text)
    browser.find_element("id", "tab-pictures").click()
    until(lambda: find(browser, "#picture-list img"))


def test_narrow_and_dark_screens(browser, address):
    browser.set_window_size(420, 900)
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia",
        {"features": [{"name": "prefers-color-scheme", "value": "dark"}]},
    )
    browser.get("about:blank")
    browser.get(address)
    until(lambda: find(browser, ".chart canvas"))
    width = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert browser.execute_script(width) <= 0, "the page scrolls sideways"
    back = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert back == "rgb(23, 24, 26)"


def test_nothing_is_loaded_from_elsewhere_and_no_error_is_logged(browser, address):
    browser.get("about:blank")
    browser.get_log("browser")
    browser.get(address)
    until(lambda: find(browser, ".chart canvas"))
    urls = browser.execute_script(
        "return performance.getEntriesByType('resource').map(each => each.name)"
    )
    assert all(url.startswith("http://127.0.0.1:") for url in urls)
    assert [each for each in browser.get_log("browser") if each["level"] == "SEVERE"] == []
