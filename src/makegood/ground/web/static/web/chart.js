// Draws every .chart from the JSON that stands in it ({spec, light, dark}), in a script or, where htmx swaps it in and lets
// no script pass, in the data-spec of its canvas; again when the theme changes.
// Expressions are interpreted (ast), because the content security policy forbids code made from text.
(() => {
  "use strict";
  const dark = () => {
    const chosen = document.documentElement.dataset.theme;
    return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  };
  async function draw(chart) {
    const canvas = chart.querySelector(".chart-canvas");
    const { spec, light, dark: night } = JSON.parse(canvas.dataset.spec ?? chart.querySelector("script").textContent);
    chart.drawn?.finalize();
    chart.drawn = await window.vegaEmbed(canvas, spec, {
      actions: false, ast: true, config: dark() ? night : light, defaultStyle: false, renderer: "canvas",
      tooltip: { disableDefaultStyle: true, theme: "desk" },
    });
  }
  const drawAll = (root = document) => root.querySelectorAll(".chart").forEach(draw);
  document.addEventListener("theme", () => drawAll());
  document.addEventListener("htmx:afterSettle", (event) => drawAll(event.target));
  drawAll();
})();
