"use strict";
// The gallery: filters and order in the address, a grid that draws only the rows in sight, and a
// page for each galaxy. Text from data is only ever set as text, never as markup.
{
  const read = (id) => {
    const element = document.getElementById(id);
    return element && JSON.parse(element.textContent);
  };
  const make = (tag, attributes = {}, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (value !== null && value !== undefined) element.setAttribute(name, value);
    }
    element.append(...children);
    return element;
  };
  const makeSVG = (tag, attributes) => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    return element;
  };
  const percent = (share) => {
    if (share > 0.9999) return "> 99.99\u00a0%";
    if (share < 0.0001) return "< 0.01\u00a0%";
    return `${(100 * share).toFixed(share > 0.9995 || share < 0.0995 ? 2 : 1)}\u00a0%`;
  };
  const source = (webp) => `data:image/webp;base64,${webp}`;

  const startGallery = (data) => {
    const n = data.cataid.length;
    const everyone = Array.from({ length: n }, (_, i) => i);
    const placeOf = new Map(data.cataid.map((cataid, i) => [cataid, i]));
    let cutouts = null;
    const cutout = (i) => {
      const webp = (cutouts ??= read("cutouts-data"))[i];
      return webp && source(webp);
    };
    let maps = null;
    const explained = (i) => (maps ??= read("maps-data") ?? { titles: [], maps: {} }).maps[data.cataid[i]];

    const isLabelled = "label" in data; // those of a survey are not, and have no split and no measures
    const certainty = everyone.map((i) => (data.predicted[i] === null ? null : data.probability[data.predicted[i]][i]));
    const ofLabel = isLabelled ? everyone.map((i) => data.probability[data.label[i]][i]) : [];
    const isRight = everyone.map((i) => !isLabelled || data.label[i] === data.predicted[i]);
    const doubted = new Set(data.doubted.galaxies);
    const tagged = new Map([...data.flags, ...data.groups].map((tag) => [tag.key, new Set(tag.galaxies)]));
    const saysOf = (i, tags) => tags.filter(({ key }) => tagged.get(key).has(i)).map(({ says }) => says).join("; ");

    // ---------------------------------------------------------------- what is shown

    const form = document.getElementById("filters");
    const fields = form.elements;
    const found = document.getElementById("found");
    const fill = (name, options) => {
      for (const [value, text] of fields[name] ? options : []) fields[name].append(make("option", { value }, text));
    };
    const splits = data.splits ?? [];
    const choices = (tags) => tags.map(({ key, says }) => [key, says]);
    fill("split", [...splits.map((name) => [name === data.scored ? "" : name, name]), ["all", "all"]]);
    for (const name of ["label", "predicted"]) {
      fill(name, [["", "all"], ...data.classes.map((words, code) => [String(code), words])]);
    }
    fill("marked", [
      ["", "all"],
      ...(isLabelled ? [["suspected", "label to doubt"]] : []),
      ...(document.getElementById("maps-data") ? [["explained", "with maps"]] : []),
      ...choices(data.flags),
    ]);
    fill("group", [["", "all"], ...choices(data.groups)]);

    const marks = {
      suspected: (i) => doubted.has(i),
      explained: (i) => Boolean(explained(i)),
    };
    for (const [key, galaxies] of tagged) marks[key] = (i) => galaxies.has(i);
    const by = (values, sign) => (a, b) => // those without a value last
      (values[a] === null) - (values[b] === null) || sign * (values[a] - values[b]);
    const unsure = by(certainty, 1);
    const orders = {
      "": isLabelled ? by(ofLabel, 1) : unsure,
      unsure,
      sure: by(certainty, -1),
      ...(data.distance ? { unlike: by(data.distance, -1), alike: by(data.distance, 1) } : {}),
      doubt: (a, b) => doubted.has(b) - doubted.has(a) || data.quality[a] - data.quality[b],
      cataid: (a, b) => data.cataid[a].localeCompare(data.cataid[b], "en", { numeric: true }),
    };

    const choose = (view) => {
      const split = view.split || data.scored;
      const { search = "", label, predicted, result, marked, group } = view;
      const least = Number(view.least || 0) / 100;
      const most = Number(view.most || 100) / 100;
      const limited = Boolean(view.least || view.most);
      const some = [marked, group].map((key) => marks[key]).filter(Boolean);
      return everyone.filter((i) =>
        (search ? data.cataid[i].includes(search)
          : !isLabelled || split === "all" || splits[data.split[i]] === split)
        && (!label || data.label[i] === Number(label))
        && (!predicted || data.predicted[i] === Number(predicted))
        && (!result || isRight[i] === (result === "right"))
        && some.every((isOne) => isOne(i))
        && (certainty[i] === null ? !limited : certainty[i] >= least && certainty[i] <= most),
      ).sort(orders[view.sort] ?? orders[""]);
    };

    // ---------------------------------------------------------------- the grid

    const gallery = document.getElementById("gallery");
    const list = gallery.querySelector("ul");
    let shown = [];
    let focused = 0; // place in `shown` that Tab reaches
    const drawn = new Map();

    const words = (i) => {
      if (certainty[i] === null) return `CATAID ${data.cataid[i]}, not classified`;
      const said = `${data.classes[data.predicted[i]]} ${percent(certainty[i])}`;
      const label = !isLabelled ? "" : isRight[i] ? ", as labelled" : `, labelled ${data.classes[data.label[i]]}`;
      const doubt = doubted.has(i) ? `, ${data.doubted.says}` : "";
      return `CATAID ${data.cataid[i]}, classified ${said}${label}${doubt}`;
    };
    const picture = (i, attributes) => (cutout(i)
      ? make("img", { src: cutout(i), ...attributes })
      : make("span", { class: `${attributes.class ?? ""} missing` }, "no picture"));
    const tile = (place) => {
      const i = shown[place];
      const caption = make("span", { class: isRight[i] ? "says" : "says wrong" },
        isRight[i] ? "" : "✕ ", data.classes[data.predicted[i]] ?? "not classified");
      const link = make("a", { href: `#${address({ ...view, galaxy: data.cataid[i] })}`, "aria-label": words(i),
                               tabindex: place === focused ? 0 : -1, "data-place": place },
        picture(i, { alt: "", width: 96, height: 96, decoding: "async", draggable: "false" }),
        caption, make("span", { class: "sure" }, certainty[i] === null ? "" : percent(certainty[i])));
      if (doubted.has(i)) link.append(make("span", { class: "doubt", title: data.doubted.says }, "?"));
      return make("li", { "aria-setsize": shown.length, "aria-posinset": place + 1 }, link);
    };
    const measures = () => {
      const style = getComputedStyle(gallery);
      const width = parseFloat(style.getPropertyValue("--tile-width"));
      const height = parseFloat(style.getPropertyValue("--tile-height"));
      const columns = Math.max(1, Math.floor(list.clientWidth / width));
      return { columns, height, width: list.clientWidth / columns };
    };
    const draw = () => {
      const { columns, height, width } = measures();
      list.style.height = `${Math.ceil(shown.length / columns) * height}px`;
      const first = Math.max(0, Math.floor(gallery.scrollTop / height) - 2) * columns;
      const last = Math.min(shown.length,
        (Math.ceil((gallery.scrollTop + gallery.clientHeight) / height) + 2) * columns);
      for (const [place, element] of drawn) {
        const isFocused = element.contains(document.activeElement);
        if ((place < first || place >= last) && !isFocused) {
          element.remove();
          drawn.delete(place);
        }
      }
      for (let place = first; place < last; place += 1) {
        if (!drawn.has(place)) {
          const element = tile(place);
          const after = drawn.get(place + 1) ?? null;
          list.insertBefore(element, after);
          drawn.set(place, element);
        }
      }
      for (const [place, element] of drawn) {
        const [row, column] = [Math.floor(place / columns), place % columns];
        element.style.transform = `translate(${column * width}px, ${row * height}px)`;
        element.style.width = `${width}px`;
      }
    };
    let waiting = false;
    const drawSoon = () => {
      if (waiting) return;
      waiting = true;
      requestAnimationFrame(() => { waiting = false; draw(); });
    };
    const focusOn = (place) => {
      const { columns, height } = measures();
      drawn.get(focused)?.firstChild.setAttribute("tabindex", -1);
      focused = Math.max(0, Math.min(shown.length - 1, place));
      const top = Math.floor(focused / columns) * height;
      if (top < gallery.scrollTop) gallery.scrollTop = top;
      const bottom = top + height - gallery.clientHeight;
      if (bottom > gallery.scrollTop) gallery.scrollTop = bottom;
      draw();
      const link = drawn.get(focused)?.firstChild;
      link?.setAttribute("tabindex", 0);
      link?.focus({ preventScroll: true });
    };
    gallery.addEventListener("scroll", drawSoon, { passive: true });
    gallery.addEventListener("keydown", (event) => {
      const { columns } = measures();
      const place = Number(event.target.dataset?.place);
      const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns,
                     PageDown: 3 * columns, PageUp: -3 * columns,
                     Home: -shown.length, End: shown.length }[event.key];
      if (Number.isNaN(place) || !step || event.altKey || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      focusOn(place + step);
    });
    new ResizeObserver(drawSoon).observe(gallery);

    // ---------------------------------------------------------------- the address

    const NAMES = ["search", "split", "label", "predicted", "result", "marked", "group", "least", "most", "sort"]
      .filter((name) => fields[name]);
    const isView = (hash) => hash === "" || hash === "#galaxies" || hash.includes("=");
    const address = (some) => {
      const parameters = new URLSearchParams();
      for (const name of [...NAMES, "galaxy"]) if (some[name]) parameters.set(name, some[name]);
      return parameters.toString() || "galaxies";
    };
    const viewOf = (hash) => (hash.includes("=") ? Object.fromEntries(new URLSearchParams(hash.slice(1))) : {});
    let view = {};
    let last = null;

    const show = (next, { scroll = false } = {}) => {
      view = next;
      const key = address({ ...view, galaxy: "" });
      if (key !== last) {
        last = key;
        for (const name of NAMES) {
          fields[name].value = view[name] ?? "";
          if (fields[name].value !== (view[name] ?? "")) fields[name].value = ""; // no such choice
        }
        shown = choose(view);
        focused = 0;
        for (const element of drawn.values()) element.remove();
        drawn.clear();
        gallery.scrollTop = 0;
        const wrong = shown.filter((i) => !isRight[i]).length;
        found.textContent = shown.length === 0 ? "No galaxy is like that."
          : `${shown.length.toLocaleString("en")} ${shown.length === 1 ? "galaxy" : "galaxies"}`
            + (isLabelled ? `, ${wrong.toLocaleString("en")} classified otherwise than labelled` : "");
        draw();
      }
      if (scroll) document.getElementById("galaxies").scrollIntoView();
      openOrClose(placeOf.get(view.galaxy));
    };
    const fromForm = () => {
      const next = {};
      for (const name of NAMES) if (fields[name].value.trim()) next[name] = fields[name].value.trim();
      return next;
    };
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("input", (event) => {
      if (event.target.tagName === "SELECT") return;
      const next = fromForm();
      history.replaceState(null, "", `#${address(next)}`);
      show(next);
    });
    form.addEventListener("change", (event) => {
      if (event.target.tagName !== "SELECT") return;
      const next = fromForm();
      location.hash = address(next);
      show(next);
    });
    form.addEventListener("reset", (event) => {
      event.preventDefault();
      location.hash = "galaxies";
      show({});
    });
    addEventListener("hashchange", () => {
      if (isView(location.hash)) show(viewOf(location.hash));
      else if (dialog.open) dialog.close();
    });

    // ---------------------------------------------------------------- one galaxy

    const dialog = document.getElementById("galaxy");
    const content = document.getElementById("galaxy-content");
    const [previous, following] = dialog.querySelectorAll("a");
    let opened = null;

    const leave = () => {
      const { galaxy, ...rest } = view;
      history.replaceState(null, "", `#${address(rest)}`);
      view = rest;
      opened = null;
      const place = shown.indexOf(placeOf.get(galaxy));
      if (place >= 0) focusOn(place);
    };
    dialog.addEventListener("close", () => { if (view.galaxy) leave(); });
    dialog.addEventListener("click", (event) => {
      if (event.target === dialog || event.target.value === "close") dialog.close();
      const step = event.target.closest("a[rel]");
      if (step) { // without an entry for each in the history
        event.preventDefault();
        history.replaceState(null, "", step.hash);
        show(viewOf(step.hash));
      }
    });
    dialog.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: previous, ArrowRight: following }[event.key];
      if (step?.hash && event.target.tagName !== "INPUT") step.click();
    });

    const openOrClose = (i) => {
      if (i === undefined) {
        opened = null;
        if (dialog.open) dialog.close();
        return;
      }
      if (i !== opened) {
        opened = i;
        content.replaceChildren(...page(i));
        document.getElementById("galaxy-title").textContent = `CATAID ${data.cataid[i]}`;
        const place = shown.indexOf(i);
        for (const [link, other] of [[previous, shown[place - 1]], [following, shown[place + 1]]]) {
          if (place >= 0 && other !== undefined) {
            link.setAttribute("href", `#${address({ ...view, galaxy: data.cataid[other] })}`);
          } else link.removeAttribute("href");
        }
        dialog.scrollTop = 0;
      }
      if (!dialog.open) dialog.showModal();
      document.getElementById("galaxy-title").focus({ preventScroll: true });
    };

    const page = (i) => [about(i), ...mapsOf(i), ...(data.features.length ? [featuresOf(i)] : []), ...neighboursOf(i)];

    const about = (i) => {
      const name = data.classes[data.predicted[i]];
      const verdict = make("p", { class: isRight[i] ? "verdict" : "verdict wrong" },
        name === undefined ? "Not classified"
          : !isLabelled ? `Classified ${name}`
            : isRight[i] ? `Classified ${name}, as labelled` : `✕ Classified ${name}, labelled ${data.classes[data.label[i]]}`);
      const facts = make("dl", {});
      const fact = (term, ...description) => facts.append(make("dt", {}, term), make("dd", {}, ...description));
      data.classes.forEach((words, code) => {
        const share = data.probability[code][i];
        if (share !== null) fact(words, make("span", { class: "bar" }, make("span", { style: `width:${100 * share}%` })),
          percent(share));
      });
      if (isLabelled) {
        fact("Label", doubted.has(i)
          ? `to doubt: rather ${data.classes[data.suggested[i]]}; ${percent(data.quality[i])} speak for the label`
          : `${percent(data.quality[i])} speak for it`);
        fact("Split", splits[data.split[i]]);
      }
      for (const { term, values } of data.facts) if (values[i] !== null) fact(term, values[i]);
      for (const [term, tags] of [["Flags", data.flags], ["Groups", data.groups]]) {
        const says = saysOf(i, tags);
        if (says) fact(term, says);
      }
      return make("div", { class: "about" },
        picture(i, { alt: `Cut-out of galaxy ${data.cataid[i]}`, class: "large" }),
        make("div", {}, verdict, facts));
    };

    const mapsOf = (i) => {
      const some = explained(i);
      if (!some) return [];
      const slider = make("input", { type: "range", min: 0, max: 100, value: 70, id: "overlay" });
      const negative = make("input", { type: "checkbox", id: "negative" });
      const figures = some.map(([title, notes, overlay]) =>
        make("figure", {},
          make("div", { class: "map" },
            make("img", { src: cutout(i), alt: "" }),
            make("img", { src: source(overlay), class: "overlay",
                          alt: `What spoke for and against ${data.classes[data.predicted[i]]} by ${maps.titles[title]}` })),
          make("figcaption", {}, make("strong", {}, maps.titles[title]),
            ...notes.split("\n").map((line) => make("span", {}, line)))));
      const grid = make("div", { class: "maps" }, ...figures);
      const lay = () => {
        grid.style.setProperty("--overlay", slider.value / 100);
        slider.setAttribute("aria-valuetext", `${slider.value} percent`);
        grid.classList.toggle("negative", negative.checked);
      };
      slider.addEventListener("input", lay);
      negative.addEventListener("change", lay);
      lay();
      return [
        make("h3", {}, "What the classification went by"),
        make("p", { class: "reading" }, `Red spoke for ${data.classes[data.predicted[i]]}, blue against it. `
          + "Faithfulness: how much sooner the probability rises when what ranks first is shown first than when it "
          + "is hidden first."),
        make("p", { class: "controls" },
          make("label", { for: "overlay" }, "Map over the picture "), slider,
          make("label", {}, negative, " picture as a negative")),
        grid,
      ];
    };

    const BINS = 24;
    const histogram = (values, low, high, galaxies) => {
      const counts = new Array(BINS).fill(0);
      for (const galaxy of galaxies) {
        const value = values[galaxy];
        if (value === null) continue;
        const bin = Math.floor(((value - low) / (high - low || 1)) * BINS);
        counts[Math.max(0, Math.min(BINS - 1, bin))] += 1;
      }
      const most = Math.max(...counts, 1);
      return counts.map((count) => count / most);
    };
    const limits = data.features.map(({ values }) => { // few extremes must not squeeze the others
      const sorted = values.filter((value) => value !== null).sort((a, b) => a - b);
      const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
      return [at(0.005), at(0.995)];
    });
    const outline = (shares) => `M0 24${shares.map((share, bin) => `V${24 - 22 * share}H${(bin + 1) * 5}`).join("")}V24`;

    const featuresOf = (i) => {
      const ofClass = data.classes.map((_, code) => everyone.filter((j) => data.label[j] === code));
      const rows = data.features.map(({ name, values }, f) => {
        const [low, high] = limits[f];
        const value = values[i];
        const own = ofClass[data.label[i]].map((j) => values[j]).filter((other) => other !== null);
        const below = own.filter((other) => other < value).length / (own.length || 1);
        const label = data.classes[data.label[i]];
        const says = value === null ? "not measured" : `more than ${Math.round(100 * below)} % of ${label}`;
        const picture = makeSVG("svg", { viewBox: "0 0 120 26", "aria-hidden": "true" });
        data.classes.forEach((_, code) => {
          if (code === data.label[i] || code === data.predicted[i]) {
            picture.append(makeSVG("path", { d: outline(histogram(values, low, high, ofClass[code])),
                                             class: code === data.label[i] ? "own" : "other" }));
          }
        });
        if (value !== null) {
          const x = 120 * Math.max(0, Math.min(1, (value - low) / (high - low || 1)));
          picture.append(makeSVG("line", { x1: x, x2: x, y1: 0, y2: 26, class: "here" }));
        }
        return make("tr", {}, make("th", { scope: "row" }, name),
          make("td", { class: "number" }, value === null ? "–" : String(Number(value.toPrecision(3)))),
          make("td", { class: "distribution" }, picture), make("td", {}, says));
      });
      return make("div", {}, make("h3", {}, "Measures"),
        make("p", { class: "reading" }, `The line is this galaxy, filled are all labelled `
          + `${data.classes[data.label[i]]}${isRight[i] ? "" : `, outlined all labelled ${data.classes[data.predicted[i]]}`}.`),
        make("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Measures" },
          make("table", { class: "measures" },
            make("thead", {}, make("tr", {}, ...["measure", "value", "distribution", "place in its class"].map(
              (head) => make("th", { scope: "col" }, head)))),
            make("tbody", {}, ...rows))));
    };

    const neighboursOf = (i) => {
      const some = data.neighbours[i] ?? [];
      if (!some.length) return [];
      return [
        make("h3", {}, "Most alike training galaxies"),
        make("p", { class: "reading" }, "Those whose last features in the network point in the most similar "
          + "direction. Where their labels disagree, the classifier has seen both."),
        make("ul", { class: "alike" }, ...some.map((j) =>
          make("li", {}, make("a", { href: `#${address({ ...view, galaxy: data.cataid[j] })}` },
            make("img", { src: cutout(j), alt: "", width: 96, height: 96 }),
            make("span", {}, `labelled ${data.classes[data.label[j]]}`),
            make("span", { class: "sure" }, `CATAID ${data.cataid[j]}`))))),
      ];
    };

    form.hidden = false;
    gallery.hidden = false;
    show(isView(location.hash) ? viewOf(location.hash) : {}, { scroll: location.hash.includes("=") });
  };

  const data = read("galaxies-data");
  if (data) startGallery(data);
}
