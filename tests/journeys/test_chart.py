"""Charts draw under our content security policy, in both themes."""

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.journey

INK = """canvas => {
  if (!canvas) return {};
  const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  const seen = {};
  for (let i = 0; i < data.length; i += 4) if (data[i + 3] === 255) {
    const key = `${data[i]},${data[i + 1]},${data[i + 2]}`; seen[key] = (seen[key] || 0) + 1;
  }
  return seen;
}"""


@pytest.mark.parametrize(
    ("theme", "accent", "red"), [("light", "0,108,108", "183,25,28"), ("dark", "114,208,208", "249,143,135")]
)
def test_a_chart_draws_with_the_colours_of_its_theme(visit, axe, transactional_db, settings, theme, accent, red):
    settings.ROOT_URLCONF = "tests.journeys.chart_urls"
    page = visit("/chart", theme=theme)
    canvas = page.locator(".chart canvas")
    expect(canvas).to_be_visible()
    ink = canvas.evaluate(INK)
    assert ink.get(accent, 0) > 100, "the line"
    assert ink.get(red, 0) > 10, "the point outside the band"
    axe(page)


def test_a_chart_follows_the_theme_switch_and_has_its_table(visit, transactional_db, settings):
    settings.ROOT_URLCONF = "tests.journeys.chart_urls"
    page = visit("/chart")
    page.get_by_role("button", name="My account").click()
    for _ in range(2):
        page.get_by_role("button", name="Theme").click()
    for _ in range(50):  # not wait_for_function: that would need the eval which our policy forbids
        if page.evaluate(f"({INK})(document.querySelector('.chart canvas'))").get("114,208,208", 0) > 100:
            break
        page.wait_for_timeout(100)
    else:
        pytest.fail("The chart keeps its light colours.")
    page.keyboard.press("Escape")
    page.get_by_text("Show as a table").click()
    expect(page.get_by_role("cell", name="40")).to_be_visible()
