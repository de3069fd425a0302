"""The listening page in a real browser: it loads from disk without network, filters, plays, links; text is text."""

import json
import shutil
import time
from pathlib import Path

import pytest
from explored_corpus import HOSTILE, ODD, make_corpus, page_of, speak

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed (apt-get install chromium)")
PATIENCE = 20.0  # seconds
WIDE = {"width": 1440, "height": 900}


class Tab:
    """A page in the browser, with everything that it complained of or asked the network for."""

    def __init__(self, browser, folder: Path, address: str = "", scheme: str = "light") -> None:
        self.page = browser.new_page(viewport=WIDE, color_scheme=scheme)
        self.faults: list[str] = []
        self.page.on("console", lambda line: line.type in ("error", "warning") and self.faults.append(line.text))
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("request", lambda request: self._note(request.url))
        self.page.goto(f"{(folder / 'index.html').as_uri()}{address}")
        self.wait("() => explorer.ready === true")

    def _note(self, url: str) -> None:
        if not url.startswith(("file:", "data:", "blob:")):
            self.faults.append(f"asked for {url}")

    def run(self, code: str, argument=None):
        return self.page.evaluate(code, argument)

    def wait(self, code: str):
        """Wait until a function in the page is true; the page's own policy forbids the library's way of waiting."""
        end = time.monotonic() + PATIENCE
        while not (value := self.run(code)):
            assert time.monotonic() < end, f"never true: {code}; {self.faults}"
            time.sleep(0.03)
        return value

    def choose(self, name: str, value: str) -> str:
        """Set a filter as a user does; return the line that counts the utterances."""
        self.page.locator(f"#{name}").evaluate(
            "(field, value) => { field.value = value; field.dispatchEvent(new Event('input', {bubbles: true})); }",
            value,
        )
        return self.page.inner_text("#count")

    def title(self) -> str:
        return self.page.inner_text("#detail h2")


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as started:
        options = ["--no-sandbox", "--autoplay-policy=no-user-gesture-required"]
        chromium = started.chromium.launch(executable_path=CHROMIUM, args=options)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Make the page of 24 utterances, three of which have a file of real speech, under odd names."""
    root = tmp_path_factory.mktemp("odd röot #1 %")
    for name in (ODD.replace("/", "_"), "u00001", "u00002"):
        speak(root / "sound" / f"{name}.wav", "the dog ran home")
    return page_of(root, make_corpus(root / "tables", root=root), title="A <i>title</i> & more")


@pytest.fixture(scope="module")
def opened(browser, folder):
    return Tab(browser, folder)


@pytest.fixture
def tab(opened):
    """Give the opened page as its bare address shows it."""
    opened.run("() => { explorer.ready = false; location.hash = `#${Math.random()}`; }")
    opened.wait("() => explorer.ready === true")
    yield opened
    assert opened.faults == []


def test_it_loads_from_disk_with_all_utterances_and_nothing_from_elsewhere(tab):
    assert tab.page.inner_text("#count") == "25 of 25 utterances", "24 that were read and one that was only listed"
    assert tab.page.inner_text("header p >> nth=0") == "A <i>title</i> & more"
    assert tab.page.locator("#utterances tbody tr").count() > 10


def test_filters_leave_what_they_say(tab):
    columns = tab.run("() => explorer.columns")
    total = len(columns["id"])
    wanted = sum(level == 1 for level in columns["level"])
    assert 0 < wanted < total and tab.choose("level", "1").startswith(f"{wanted} of")
    pairs = zip(columns["level"], columns["divergence"][0], strict=True)
    wanted = sum(level == 1 and value is not None and value >= 0.2 for level, value in pairs)
    assert tab.choose("from", "0.2").startswith(f"{wanted} of")
    tab.page.click("#reset")
    assert tab.choose("q", "sentence 11, SAID").startswith("1 of")
    tab.choose("q", "")
    assert tab.choose("status", "out").startswith("2 of")
    assert "audio: truncated" in tab.page.inner_text("#view-table .dt-scroll-body")
    tab.choose("status", "")
    tab.page.click(".dt-scroll-head th:has-text('Agreed')")
    tab.page.click(".dt-scroll-head th:has-text('Agreed')")
    assert "sort=7+desc" in tab.run("() => location.hash")
    shown = tab.run("() => explorer.order.map((row) => explorer.columns.agreement[row]).filter((one) => one !== null)")
    assert shown == sorted(shown, reverse=True)


def test_sound_is_played_from_where_it_lies_by_button_and_by_key(tab):
    assert tab.page.locator("audio").count() == 0, "no sound is loaded before it is wanted"
    tab.page.click("tr[data-row='1'] button.play")
    tab.wait("() => document.querySelector('#detail audio')?.currentTime > 0.05")
    assert tab.page.locator(".sound").is_visible()
    tab.page.locator("#detail h2").click()
    tab.page.keyboard.press("Space")
    assert tab.run("() => document.querySelector('#detail audio').paused")
    tab.page.keyboard.press("ArrowDown")
    tab.wait("() => document.querySelector('#detail h2').textContent === explorer.columns.id[2]")
    tab.run("() => document.querySelector('#detail audio').addEventListener('playing', () => { window.heard = true; })")
    tab.page.keyboard.press("Space")
    tab.wait("() => window.heard === true")
    tab.page.keyboard.press("/")
    assert tab.run("() => document.activeElement.id") == "q"


def test_a_missing_sound_is_stated(tab):
    tab.page.click("tr[data-row='5']")
    tab.wait("() => document.querySelector('#detail .reason:not([hidden])')?.textContent.includes('is not there')")


def test_a_link_leads_to_the_utterance_and_its_filters(browser, folder):
    first = Tab(browser, folder)
    first.choose("level", "1")
    first.page.click(".dt-scroll-head th:has-text('Votes')")
    first.page.locator("#utterances tr[data-row]").nth(1).click()
    first.wait("() => location.hash.includes('utterance=')")
    name, address = first.run("() => explorer.columns.id[explorer.chosen]"), first.run("() => location.hash")
    second = Tab(browser, folder, address)
    assert second.title() == name and second.page.input_value("#level") == "1"
    assert second.run("() => explorer.order") == first.run("() => explorer.order")
    second.run("() => { location.hash = 'utterance=u00002&view=pairs'; }")
    second.wait("() => document.querySelector('#detail h2')?.textContent === 'u00002'")
    assert second.page.locator("#pairs tbody tr").count() > 3
    second.run("() => { location.hash = 'utterance=nowhere'; }")
    second.wait("() => document.querySelector('#detail').textContent.includes('No utterance nowhere')")
    for one in (first, second):
        one.page.close()
        assert one.faults == []


def test_data_are_text_whatever_they_hold(tab):
    row = tab.run("(name) => explorer.columns.id.indexOf(name)", ODD)
    tab.run("(row) => choose(row, true)", row)
    tab.wait("() => document.querySelector('#detail audio')?.currentTime > 0.02")
    assert tab.title() == ODD
    assert tab.run("() => document.querySelector('#detail blockquote').textContent") == HOSTILE
    tab.page.click("#tab-pairs")
    cells = "document.querySelectorAll('#detail .answers td:last-child')"
    answers = tab.run(f"() => [...{cells}].map((one) => one.textContent)")
    assert HOSTILE in answers
    assert tab.run("() => window.broken") is None and tab.page.locator("img[onerror]").count() == 0


def test_a_left_out_utterance_states_why_and_where(tab):
    for name, reason in (("zz_damaged", "audio: truncated"), ("only listed", "utterance: no such file")):
        tab.run("(name) => choose(explorer.columns.id.indexOf(name), false)", name)
        tab.wait(f"() => document.querySelector('#detail h2')?.textContent === {json.dumps(name)}")
        assert f"Left out. {reason} (list.csv:3)" in tab.page.inner_text("#detail")


def test_a_point_of_the_map_plays(tab, tmp_path):
    tab.choose("q", "u00001")
    tab.page.click("#tab-map")
    tab.wait("() => Boolean(explorer.map)")
    tab.wait("() => document.querySelector('#map').getBoundingClientRect().height > 100")
    place = tab.wait(
        """() => {
          const view = Bokeh.index.find_one(explorer.map.plot), box = view?.frame?.bbox;
          if (!box || !box.width) return null;
          const {x, y} = explorer.map.source.data, corner = view.el.getBoundingClientRect();
          return [corner.left + view.frame.x_scale.compute(x[0]), corner.top + view.frame.y_scale.compute(y[0])];
        }"""
    )
    tab.page.mouse.click(*place)
    tab.wait("() => document.querySelector('#detail h2')?.textContent === 'u00001'")
    tab.wait("() => document.querySelector('#detail audio')?.currentTime > 0.02")
    tab.page.screenshot(path=tmp_path / "map.png")


def test_light_and_dark_follow_the_system_and_the_button(tab, tmp_path):
    tab.run("() => choose(2, false)")
    tab.wait("() => document.querySelector('#detail .sound')")
    for scheme in ("dark", "light"):
        tab.page.emulate_media(color_scheme=scheme)
        tab.wait(f"() => document.documentElement.style.colorScheme === '{scheme}'")
        paper = tab.run("() => getComputedStyle(document.body).backgroundColor")
        assert (max(map(int, paper[4:-1].split(","))) < 60) == (scheme == "dark")
        tab.page.screenshot(path=tmp_path / f"{scheme}.png")
    tab.page.click("#theme")
    assert tab.run("() => document.documentElement.style.colorScheme") == "dark"
    tab.page.click("#theme")


def test_every_control_has_a_name_for_a_screen_reader(tab):
    tab.page.click("tr[data-row='2']")
    tab.wait("() => document.querySelector('#detail audio')")
    nameless = tab.run(
        """() => [...document.querySelectorAll('button, select, input, audio')].filter((one) => !(one.labels?.length
        || one.getAttribute('aria-label') || one.textContent.trim())).map((one) => one.outerHTML)"""
    )
    assert nameless == []
    assert tab.page.inner_text("#spoken").startswith("u0")


CHANGE = """([name, value]) => {
  const field = document.getElementById(name);
  field.value = value;
  field.dispatchEvent(new Event('input', {bubbles: true}));
}"""
STEPS = [("q", "sentence 12"), ("q", ""), ("level", "1"), ("class", "2"), ("level", ""), ("class", ""), ("from", "0.3")]


def processor_seconds(opened):
    """Return a function that gives the seconds that the page has computed, layout and drawing included, others not."""
    session = opened.page.context.new_cdp_session(opened.page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def busy() -> float:
        metrics = session.send("Performance.getMetrics")["metrics"]
        return next(metric["value"] for metric in metrics if metric["name"] == "TaskDuration")

    return busy


@pytest.mark.ci
def test_ten_thousand_utterances_without_sound_are_filtered_without_drawing_all_rows(browser, tmp_path):
    classes = [f"class {place}" for place in range(12)]
    entry = make_corpus(tmp_path / "tables", size=10_000, classes=classes, most=3, models=False)
    opened = Tab(browser, page_of(tmp_path, entry))
    assert "This corpus has no sound in this run: corpora.demo.audio is none." in opened.page.inner_text("#notice")
    busy = processor_seconds(opened)
    best = {}
    for name, value in STEPS:
        taken = []
        for _ in range(4):
            start = busy()
            opened.run(CHANGE, [name, value])
            taken.append(busy() - start)
        best[name, value] = min(taken)
    # .07 to .09 with nothing else running; a processor second does less on a busy machine
    assert max(best.values()) < 0.3, best
    assert opened.page.locator("#utterances tbody tr").count() < 150, "rows out of sight are not in the page"
    opened.page.click("#reset")
    opened.run("() => { document.querySelector('.dt-scroll-body').scrollTop = 5000 * 31; }")
    opened.wait("() => document.querySelector('#utterances tr[data-row=\"5005\"]')")
    opened.page.screenshot(path=tmp_path / "many.png")
    opened.page.close()
    assert opened.faults == []
