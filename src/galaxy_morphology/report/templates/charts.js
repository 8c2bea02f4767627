"use strict";
// Figures to look closer at take the places of their pictures, when they come into sight.
{
  let library = null;
  const load = () => { // a script of this page, which is run only when the first chart is needed
    if (!library) {
      library = document.createElement("script");
      library.textContent = document.getElementById("charting").textContent;
      document.head.append(library);
    }
    return window.vegaEmbed;
  };
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const theme = (room) => {
    const [ink, faint, line] = ["--ink", "--faint", "--line"].map(colour);
    const text = { labelColor: faint, titleColor: faint, labelFontSize: 12, titleFontSize: 13, titleFontWeight: "normal" };
    const category = dark.matches
      ? ["#6cb6ff", "#ff9e64", "#56d4a5", "#e3a5cc", "#f2c14e", "#a0d8f1"]
      : ["#0072b2", "#d55e00", "#00845f", "#b3528c", "#9c6b00", "#3b8fc0"];
    return {
      background: "transparent",
      font: "system-ui, sans-serif",
      view: { stroke: null },
      axis: { ...text, gridColor: line, domainColor: line, tickColor: line, labelLimit: 200 },
      legend: { ...text, orient: "top", title: null, labelColor: ink, labelLimit: 320, symbolSize: 90, columns: room < 420 ? 2 : undefined },
      header: { ...text, title: null, labelColor: ink, labelFontWeight: 600, labelFontSize: 13 },
      rule: { color: faint },
      mark: { color: category[0] },
      range: { category },
    };
  };
  const PANEL = 320, AXES = 70, WIDEST = 720; // pixels, axes included
  const fit = (spec, room) => { // panels side by side where there is room for them
    const labels = spec.usermeta?.labels ?? 0;
    if (!spec.spec) return { ...spec, width: Math.min(room, WIDEST) - AXES - labels };
    const most = Math.max(1, Math.floor(room / PANEL));
    const columns = Math.min(most, spec.columns ?? most);
    return { ...spec, columns, spec: { ...spec.spec, width: Math.floor(room / columns) - AXES - labels } };
  };
  const draw = async (figure) => {
    const spec = JSON.parse(figure.querySelector("script").textContent);
    const picture = figure.querySelector("img");
    let place = figure.querySelector(".drawing");
    if (!place) {
      place = document.createElement("div");
      place.className = "drawing";
      picture.after(place);
    }
    const room = figure.clientWidth;
    try {
      await load()(place, fit(spec, room), {
        ast: true, // expressions are interpreted: this page allows no script to be made of text
        renderer: "svg", actions: false, config: theme(room), tooltip: { theme: dark.matches ? "dark" : "light" },
      });
      for (const name of ["role", "aria-label", "aria-roledescription"]) place.removeAttribute(name);
      const drawing = place.querySelector("svg"); // and not what a reader chooses beside it
      drawing.setAttribute("role", "img");
      drawing.setAttribute("aria-label", picture.alt);
      figure.classList.add("drawn");
    } catch (error) {
      place.remove(); // the picture stays
      console.error(error);
    }
  };
  const drawn = new Set();
  const seen = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      seen.unobserve(target);
      drawn.add(target);
      draw(target);
    }
  }, { rootMargin: "400px" });
  for (const figure of document.querySelectorAll("figure.chart")) seen.observe(figure);
  dark.addEventListener("change", () => { for (const figure of drawn) draw(figure); });
  let width = innerWidth;
  let later = 0;
  addEventListener("resize", () => {
    if (innerWidth === width) return; // a phone's address bar
    width = innerWidth;
    clearTimeout(later);
    later = setTimeout(() => { for (const figure of drawn) draw(figure); }, 200);
  });
}
