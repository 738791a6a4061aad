// Draws every chart of the page, again when light turns to dark. The interpreter (`ast`) needs no eval.
"use strict";
(() => {
  const theme = JSON.parse(document.getElementById("theme").textContent);
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const offline = () => Promise.reject(new Error("this page asks no network for anything"));
  let views = [];

  const options = () => ({
    actions: false,
    ast: true,
    config: dark.matches ? theme.dark : theme.light,
    formatLocale: theme.numbers,
    loader: { load: offline, sanitize: offline },
    mode: "vega-lite",
    renderer: "svg",
    tooltip: { theme: dark.matches ? "dark" : "light" },
  });

  async function draw(figure) {
    const chart = figure.querySelector(".chart");
    const spec = JSON.parse(figure.querySelector(".spec").textContent);
    try {
      const drawn = await window.vegaEmbed(chart, spec, options());
      figure.dataset.drawn = "yes";
      return drawn;
    } catch (error) {
      figure.dataset.drawn = "no";
      chart.textContent = "This chart could not be drawn here; its numbers are below.";
      console.error(error);
      return null;
    }
  }

  async function drawAll() {
    views.forEach((drawn) => drawn?.finalize());
    const figures = [...document.querySelectorAll("figure")].filter((figure) => figure.querySelector(".spec"));
    views = await Promise.all(figures.map(draw));
  }

  dark.addEventListener("change", drawAll);
  drawAll();
})();
