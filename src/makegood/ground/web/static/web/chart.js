// Draws every .chart from the JSON that stands in it ({spec, light, dark}); again when the theme changes.
// Expressions are interpreted (ast), because the content security policy forbids code made from text.
(() => {
  "use strict";
  const dark = () => {
    const chosen = document.documentElement.dataset.theme;
    return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  };
  async function draw(chart) {
    const { spec, light, dark: night } = JSON.parse(chart.querySelector("script").textContent);
    const canvas = chart.querySelector(".chart-canvas");
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
