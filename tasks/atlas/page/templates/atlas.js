// The map of model cards, drawn with Canvas 2D. Texts from strangers reach the page only by textContent and fillText.
"use strict";
(() => {
  // ---- data: arrays by point; codes are indices in a list of names, -1 for none; NaN is "not known"
  const $ = (id) => document.getElementById(id);
  const data = JSON.parse($("data").textContent);
  const buffer = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer;
  const { ids, words, kinds } = data;
  const n = ids.length;
  const x = new Float32Array(buffer(data.x));
  const y = new Float32Array(buffer(data.y));
  const score = new Float32Array(buffer(data.score));
  const downloads = new Float64Array(buffer(data.downloads));
  const likes = new Float64Array(buffer(data.likes));
  const coded = (column) => ({ codes: new Int32Array(buffer(column.codes)), names: column.names });
  const kind = { codes: new Int32Array(buffer(data.kind)), names: kinds.map((each) => each.name) };
  const author = coded(data.author);
  const library = coded(data.library);
  const task = coded(data.task);
  const format = coded(data.format);
  const nameOf = (column, i) => column.names[column.codes[i]] ?? "";
  const isPlaced = (i) => Number.isFinite(x[i]) && Number.isFinite(y[i]);

  const number = (value) => Math.round(value).toLocaleString("en");
  const known = (value, write) => (Number.isNaN(value) ? "" : write(value));
  const decimal = (value) => value.toFixed(1);
  const models = (count) => `${number(count)} ${count === 1 ? "model" : "models"}`;
  // Only a valid Hub name becomes an address.
  const urlOf = (i) => (data.hub_url && /^[\w.-]+(\/[\w.-]+)?$/.test(ids[i]) ? data.hub_url + ids[i] : null);

  function element(name, text, attributes = {}) {
    const created = document.createElement(name);
    if (text !== undefined) created.textContent = text;
    for (const [key, value] of Object.entries(attributes)) created.setAttribute(key, value);
    return created;
  }

  function linkTo(i) {
    const url = urlOf(i);
    if (!url) return document.createTextNode(ids[i]);
    return element("a", ids[i], { href: url, target: "_blank", rel: "noopener noreferrer" });
  }

  // ---- looks: the value by which points are coloured, and their marks
  const SHAPES = ["circle", "square", "triangle", "diamond", "cross", "ring", "down", "saltire", "box", "rhomb", "tent", "star"];
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const colours = () => (dark.matches ? data.theme.dark : data.theme.light);
  const below = (edges) => (value) => edges.findLastIndex((edge) => value >= edge);
  const STEPS = {
    score: [score, [-Infinity, 2, 2.5, 3, 3.5, 4, 4.5],
      ["below 2", "2 – 2.5", "2.5 – 3", "3 – 3.5", "3.5 – 4", "4 – 4.5", "4.5 – 5"]],
    downloads: [downloads, [-Infinity, 1, 10, 100, 1e3, 1e4, 1e5],
      ["none", "1 – 9", "10 – 99", "100 – 999", "1,000 – 9,999", "10,000 – 99,999", "100,000 and more"]],
    likes: [likes, [-Infinity, 1, 2, 5, 20, 100, 500],
      ["none", "1", "2 – 4", "5 – 19", "20 – 99", "100 – 499", "500 and more"]],
  };
  const CATEGORIES = { kind, library, format };
  // `of` has the index of each point's entry; `entries` have a label, a mark and their points.
  let looks = null;

  function entriesOfCategories({ codes, names }, by) {
    const counts = new Int32Array(names.length);
    for (const code of codes) if (code >= 0) counts[code] += 1;
    const common = [...counts.keys()].filter((code) => counts[code]).sort((a, b) => counts[b] - counts[a] || a - b);
    const place = new Int32Array(names.length).fill(SHAPES.length);
    common.slice(0, SHAPES.length).forEach((code, rank) => { place[code] = rank; });
    const entries = SHAPES.map((shape, rank) => ({
      label: names[common[rank]], mark: { shape, colour: (c) => c.marks[rank % c.marks.length], size: 1 },
    }));
    const rest = common.length - SHAPES.length;
    entries.push({ label: `${number(Math.max(rest, 0))} others`, mark: { shape: "circle", colour: (c) => c.other, size: 0.7 } });
    entries.push({ label: by === "kind" ? "of no kind" : "not known", mark: { shape: "ring", colour: (c) => c.none, size: 0.6 } });
    return { of: codes.map((code) => (code < 0 ? SHAPES.length + 1 : place[code])), entries };
  }

  function entriesOfSteps([values, edges, labels]) {
    const step = below(edges);
    // Size repeats what lightness shows.
    const entries = labels.map((label, rank) => ({
      label, mark: { shape: "circle", colour: (c) => c.ramp[rank], size: 0.7 + 0.1 * rank },
    }));
    entries.push({ label: "not known", mark: { shape: "ring", colour: (c) => c.none, size: 0.6 } });
    return { of: Int32Array.from(values, (value) => (Number.isNaN(value) ? labels.length : step(value))), entries };
  }

  function lookBy(by) {
    looks = by in STEPS ? entriesOfSteps(STEPS[by]) : entriesOfCategories(CATEGORIES[by], by);
    looks.entries.forEach((entry) => { entry.points = []; });
    looks.of.forEach((entry, i) => looks.entries[entry].points.push(i));
  }

  const PATHS = {
    circle: (p, r) => p.arc(0, 0, r, 0, 7),
    ring: (p, r) => p.arc(0, 0, r * 0.8, 0, 7),
    square: (p, r) => p.rect(-r * 0.85, -r * 0.85, r * 1.7, r * 1.7),
    box: (p, r) => p.rect(-r * 0.75, -r * 0.75, r * 1.5, r * 1.5),
    triangle: (p, r) => polygon(p, 3, r * 1.2, -Math.PI / 2),
    down: (p, r) => polygon(p, 3, r * 1.2, Math.PI / 2),
    tent: (p, r) => polygon(p, 3, r * 1.05, -Math.PI / 2),
    diamond: (p, r) => polygon(p, 4, r * 1.2, 0),
    rhomb: (p, r) => polygon(p, 4, r * 1.05, 0),
    cross: (p, r) => { p.moveTo(-r, 0); p.lineTo(r, 0); p.moveTo(0, -r); p.lineTo(0, r); },
    saltire: (p, r) => { const d = r * 0.8; p.moveTo(-d, -d); p.lineTo(d, d); p.moveTo(-d, d); p.lineTo(d, -d); },
    star: (p, r) => {
      for (let k = 0; k < 3; k += 1) {
        const [a, b] = [Math.cos((k * Math.PI) / 3 + 0.52) * r, Math.sin((k * Math.PI) / 3 + 0.52) * r];
        p.moveTo(-a, -b); p.lineTo(a, b);
      }
    },
  };
  const OPEN = new Set(["ring", "box", "rhomb", "tent", "cross", "saltire", "star"]);

  function polygon(path, corners, r, turn) {
    for (let k = 0; k < corners; k += 1) {
      const angle = turn + (2 * Math.PI * k) / corners;
      path[k ? "lineTo" : "moveTo"](r * Math.cos(angle), r * Math.sin(angle));
    }
    path.closePath();
  }

  // One small picture per mark, copied for each point: far cheaper than a path per point.
  function sprite({ shape, colour, size }, radius) {
    const ratio = window.devicePixelRatio || 1;
    const r = radius * size;
    const side = Math.ceil((r * 1.3 + 2) * ratio) * 2;
    const canvas = element("canvas");
    canvas.width = side;
    canvas.height = side;
    const pen = canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, side / 2, side / 2);
    pen.beginPath();
    PATHS[shape](pen, r);
    if (OPEN.has(shape)) {
      pen.strokeStyle = colour(colours());
      pen.lineWidth = Math.max(0.9, r * 0.42);
      pen.stroke();
    } else {
      pen.fillStyle = colour(colours());
      pen.fill();
      pen.strokeStyle = colours().paper; // a thin edge keeps neighbours apart
      pen.lineWidth = Math.min(0.8, r * 0.2);
      pen.stroke();
    }
    return { picture: canvas, side: side / ratio };
  }

  // ---- view: the middle of the visible part, and pixels per unit
  const map = $("map");
  const view = { x: 0.5, y: 0.5, scale: 500, fitted: 500, width: 0, height: 0 };
  const toX = (u) => (u - view.x) * view.scale + view.width / 2;
  const toY = (v) => view.height / 2 - (v - view.y) * view.scale;
  const fromX = (px) => (px - view.width / 2) / view.scale + view.x;
  const fromY = (py) => (view.height / 2 - py) / view.scale + view.y;

  const bounds = { left: Infinity, right: -Infinity, low: Infinity, high: -Infinity };
  for (let i = 0; i < n; i += 1) {
    if (!isPlaced(i)) continue;
    bounds.left = Math.min(bounds.left, x[i]);
    bounds.right = Math.max(bounds.right, x[i]);
    bounds.low = Math.min(bounds.low, y[i]);
    bounds.high = Math.max(bounds.high, y[i]);
  }
  if (bounds.left > bounds.right) Object.assign(bounds, { left: 0, right: 1, low: 0, high: 1 });

  function fit() {
    const across = Math.max(bounds.right - bounds.left, 0.02);
    const along = Math.max(bounds.high - bounds.low, 0.02);
    view.x = (bounds.left + bounds.right) / 2;
    view.y = (bounds.low + bounds.high) / 2;
    view.fitted = Math.max(20, Math.min((view.width - 32) / across, (view.height - 40) / along));
    view.scale = view.fitted;
    redraw();
  }

  function zoom(factor, px = view.width / 2, py = view.height / 2) {
    const [u, v] = [fromX(px), fromY(py)];
    view.scale = Math.min(Math.max(view.scale * factor, view.fitted * 0.5), view.fitted * 400);
    view.x = u - (px - view.width / 2) / view.scale;
    view.y = v + (py - view.height / 2) / view.scale;
    redraw();
  }

  function pan(dx, dy) {
    const inside = (value, low, high) => Math.min(Math.max(value, low), high);
    view.x = inside(view.x - dx / view.scale, bounds.left, bounds.right);
    view.y = inside(view.y + dy / view.scale, bounds.low, bounds.high);
    redraw();
  }

  // ---- draw: the points on one canvas, what changes with the pointer on another above it
  const dots = $("dots").getContext("2d", { willReadFrequently: true });
  const over = $("over").getContext("2d");
  const state = { match: new Uint8Array(n).fill(1), shown: new Uint8Array(n).fill(1), picked: null, entry: null,
    at: -1, drag: null, selecting: false, hasFilter: false, order: { column: 4, down: true } };
  let due = 0;
  let isStale = true;

  function redraw(everything = true) {
    isStale ||= everything;
    due ||= requestAnimationFrame(paint);
  }

  function radius() {
    const base = n > 20000 ? 2.1 : n > 5000 ? 2.6 : n > 800 ? 3.3 : 4.5;
    return Math.min(base * Math.max(view.scale / view.fitted, 1) ** 0.4, 7.5);
  }

  function paint() {
    due = 0;
    if (isStale) paintDots();
    isStale = false;
    paintOver();
    if (!performance.getEntriesByName("painted").length) performance.mark("painted");
  }

  function clean(pen) {
    const ratio = window.devicePixelRatio || 1;
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, view.width, view.height);
  }

  // The pixels of a mark that are not empty: their offset from its middle, colour and opacity.
  function stamp(mark, r) {
    const { picture } = sprite(mark, r);
    const side = picture.width;
    const { data: drawn } = picture.getContext("2d").getImageData(0, 0, side, side);
    const pixels = [];
    for (let k = 0; k < side * side; k += 1)
      if (drawn[k * 4 + 3] > 8)
        pixels.push({ dx: (k % side) - side / 2, dy: Math.floor(k / side) - side / 2, drawn: drawn.slice(k * 4, k * 4 + 4) });
    const of = (read, Kind) => Kind.from(pixels, read);
    // One number for an opaque pixel, 0 for one that is blended.
    const whole = (p) => (p.drawn[3] === 255 ? new Uint32Array(p.drawn.buffer)[0] : 0);
    return { half: side / 2, whole: of(whole, Uint32Array), dx: of((p) => p.dx, Int16Array), dy: of((p) => p.dy, Int16Array),
      red: of((p) => p.drawn[0], Uint8Array), green: of((p) => p.drawn[1], Uint8Array),
      blue: of((p) => p.drawn[2], Uint8Array), alpha: of((p) => p.drawn[3] / 255, Float32Array) };
  }

  // Points are stamped into the pixels: without a GPU, tens of thousands of canvas calls take too long.
  function stamper(pixels, width, height) {
    const whole32 = new Uint32Array(pixels.buffer);
    return ({ half, whole, dx, dy, red, green, blue, alpha }, px, py) => {
      const [left, top] = [Math.round(px), Math.round(py)];
      if (!(left >= half && top >= half && left < width - half && top < height - half)) return;
      for (let k = 0; k < dx.length; k += 1) {
        const place = (top + dy[k]) * width + left + dx[k];
        if (whole[k]) {
          whole32[place] = whole[k];
          continue;
        }
        const at = place * 4;
        const a = alpha[k];
        pixels[at] += (red[k] - pixels[at]) * a;
        pixels[at + 1] += (green[k] - pixels[at + 1]) * a;
        pixels[at + 2] += (blue[k] - pixels[at + 2]) * a;
      }
    };
  }

  function paintDots() {
    const { shown } = state;
    const r = radius();
    const ratio = window.devicePixelRatio || 1;
    const { width, height } = $("dots");
    if (!width || !height) return;
    dots.setTransform(1, 0, 0, 1, 0, 0);
    dots.fillStyle = colours().paper;
    dots.fillRect(0, 0, width, height);
    const image = dots.getImageData(0, 0, width, height);
    const put = stamper(image.data, width, height);
    const paintAll = (points, mark, size, isShown) => {
      const picture = stamp(mark, size);
      for (const i of points) if (shown[i] === isShown) put(picture, toX(x[i]) * ratio, toY(y[i]) * ratio);
    };
    const faint = { shape: "circle", colour: (c) => c.dim, size: 1 };
    for (const entry of looks.entries) paintAll(entry.points, faint, Math.max(1.1, r * 0.5), 0);
    // Points of no category come first, then large categories, so that small ones stay visible.
    const count = looks.entries.length;
    for (let k = 0; k < count; k += 1) {
      const entry = looks.entries[(k + count - 2) % count];
      paintAll(entry.points, entry.mark, r, 1);
    }
    dots.putImageData(image, 0, 0);
  }

  const LABEL = '600 12px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif';
  const shortened = (text, most) => (text.length > most ? `${[...text].slice(0, most - 1).join("")}…` : text);

  // Names of kinds, the largest first; one that would cover another appears when zooming in makes room.
  function placeLabels() {
    over.font = LABEL;
    const taken = [];
    for (const each of kinds) {
      const text = shortened(each.name, view.width < 500 ? 22 : 34);
      const [px, py] = [toX(each.x), toY(each.y)];
      if (!text || each.x === null || !(px > 0 && py > 0 && px < view.width && py < view.height)) continue;
      const half = over.measureText(text).width / 2 + 6;
      const middle = Math.min(Math.max(px, half), view.width - half);
      const box = { text, middle, py, left: middle - half, right: middle + half, top: py - 11, bottom: py + 11 };
      const isFree = taken.every((o) => box.right < o.left || o.right < box.left || box.bottom < o.top || o.bottom < box.top);
      if (isFree && half * 2 < view.width) taken.push(box);
    }
    return taken;
  }

  function paintOver() {
    clean(over);
    const c = colours();
    if ($("labels").checked) {
      const placed = placeLabels();
      over.font = LABEL;
      over.textAlign = "center";
      over.textBaseline = "middle";
      over.lineJoin = "round";
      over.lineWidth = 4;
      over.strokeStyle = c.paper;
      over.fillStyle = c.ink;
      for (const { text, middle, py } of placed) {
        over.strokeText(text, middle, py);
        over.fillText(text, middle, py);
      }
      map.dataset.labels = placed.length;
    } else map.dataset.labels = 0;
    if (state.at >= 0 && isPlaced(state.at)) {
      over.beginPath();
      over.arc(toX(x[state.at]), toY(y[state.at]), radius() + 4, 0, 7);
      over.lineWidth = 2;
      over.strokeStyle = c.ink;
      over.stroke();
    }
    const { drag } = state;
    if (drag?.isRectangle && drag.moved) {
      over.lineWidth = 1.5;
      over.strokeStyle = c.ink;
      over.setLineDash([5, 4]);
      over.strokeRect(drag.x, drag.y, drag.toX - drag.x, drag.toY - drag.y);
      over.setLineDash([]);
    }
  }

  // ---- pick: a grid of the points; the tooltip; rectangles
  const CELLS = 128;
  const cellOf = (value, low, high) => Math.min(CELLS - 1, Math.max(0, Math.floor(((value - low) / (high - low || 1)) * CELLS)));
  const columnOf = (u) => cellOf(u, bounds.left, bounds.right);
  const rowOf = (v) => cellOf(v, bounds.low, bounds.high);
  const cells = new Map();
  for (let i = 0; i < n; i += 1) {
    if (!isPlaced(i)) continue;
    const cell = rowOf(y[i]) * CELLS + columnOf(x[i]);
    if (cells.has(cell)) cells.get(cell).push(i);
    else cells.set(cell, [i]);
  }

  function* within(left, right, low, high) {
    for (let row = rowOf(low); row <= rowOf(high); row += 1)
      for (let column = columnOf(left); column <= columnOf(right); column += 1)
        for (const i of cells.get(row * CELLS + column) ?? [])
          if (x[i] >= left && x[i] <= right && y[i] >= low && y[i] <= high) yield i;
  }

  // The shown point nearest to a place on the screen, -1 beyond `reach` pixels.
  function pointAt(px, py, reach = radius() + 6) {
    let [best, least] = [-1, reach * reach];
    for (const i of within(fromX(px - reach), fromX(px + reach), fromY(py + reach), fromY(py - reach))) {
      if (!state.shown[i]) continue;
      const far = (toX(x[i]) - px) ** 2 + (toY(y[i]) - py) ** 2;
      if (far <= least) [best, least] = [i, far];
    }
    return best;
  }

  const factsOf = (i) => [
    ["Kind", nameOf(kind, i) || "none"],
    ["Score", known(score[i], decimal)],
    ["Downloads", known(downloads[i], number)],
    ["Likes", known(likes[i], number)],
    ["Author", nameOf(author, i)],
    ["Library", nameOf(library, i)],
    ["Task", nameOf(task, i)],
    ["Format", nameOf(format, i)],
    ["Words", words[i]],
  ].filter(([, value]) => value);

  const tip = $("tip");
  function goTo(i, isSpoken = false) {
    if (i === state.at && !tip.hidden === i >= 0) return;
    state.at = i;
    tip.hidden = i < 0;
    map.style.cursor = state.selecting ? "crosshair" : i >= 0 && urlOf(i) ? "pointer" : "grab";
    redraw(false);
    if (i < 0) return;
    const facts = element("dl");
    for (const [name, value] of factsOf(i)) {
      const row = element("div");
      row.append(element("dt", name), element("dd", value));
      facts.append(row);
    }
    tip.replaceChildren(element("strong", ids[i]), facts);
    placeTip();
    if (isSpoken) $("spoken").textContent = `${ids[i]}. ${factsOf(i).map((fact) => fact.join(" ")).join(", ")}`;
  }

  function placeTip() {
    if (state.at < 0) return;
    const [px, py] = [toX(x[state.at]), toY(y[state.at])];
    const { offsetWidth: width, offsetHeight: height } = tip;
    const right = px + 14 + width <= view.width ? px + 14 : px - 14 - width;
    const lower = py + 14 + height <= view.height ? py + 14 : py - 14 - height;
    tip.style.left = `${Math.max(4, Math.min(right, view.width - width - 4))}px`;
    tip.style.top = `${Math.max(4, Math.min(lower, view.height - height - 4))}px`;
  }

  function open(i) {
    const url = i >= 0 ? urlOf(i) : null;
    if (url) window.open(url, "_blank", "noopener,noreferrer");
  }

  function pickRectangle({ x: a, y: b, toX: c, toY: d }) {
    state.picked = new Uint8Array(n);
    const [left, right] = [fromX(Math.min(a, c)), fromX(Math.max(a, c))];
    const [low, high] = [fromY(Math.max(b, d)), fromY(Math.min(b, d))];
    for (const i of within(left, right, low, high)) state.picked[i] = 1;
    select();
  }

  const pointers = new Map();
  const placeOf = (event) => {
    const box = map.getBoundingClientRect();
    return { x: event.clientX - box.left - map.clientLeft, y: event.clientY - box.top - map.clientTop };
  };

  map.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    map.setPointerCapture(event.pointerId);
    const at = placeOf(event);
    pointers.set(event.pointerId, at);
    const isRectangle = event.shiftKey || state.selecting;
    state.drag = pointers.size > 1 ? null : { ...at, toX: at.x, toY: at.y, moved: false, isRectangle };
  });

  map.addEventListener("pointermove", (event) => {
    const at = placeOf(event);
    const before = pointers.get(event.pointerId);
    if (!before) {
      if (event.pointerType !== "touch") goTo(pointAt(at.x, at.y));
      return;
    }
    pointers.set(event.pointerId, at);
    if (pointers.size === 2) {
      const [other] = [...pointers].filter(([id]) => id !== event.pointerId).map(([, place]) => place);
      const distance = (a) => Math.max(8, Math.hypot(a.x - other.x, a.y - other.y));
      pan((at.x - before.x) / 2, (at.y - before.y) / 2);
      zoom(distance(at) / distance(before), (at.x + other.x) / 2, (at.y + other.y) / 2);
      goTo(-1);
      return;
    }
    const { drag } = state;
    if (!drag) return;
    Object.assign(drag, { toX: at.x, toY: at.y });
    drag.moved ||= Math.hypot(at.x - drag.x, at.y - drag.y) > 4;
    if (!drag.moved) return;
    goTo(-1);
    if (drag.isRectangle) redraw(false);
    else pan(at.x - before.x, at.y - before.y);
  });

  map.addEventListener("pointerup", (event) => {
    const { drag } = state;
    pointers.delete(event.pointerId);
    state.drag = null;
    if (!drag) return;
    if (drag.moved) {
      if (drag.isRectangle) pickRectangle(drag);
      return;
    }
    const i = pointAt(drag.x, drag.y, event.pointerType === "touch" ? 18 : undefined);
    // Touch has no hover: the first touch shows the card's facts, the second opens its page.
    if (event.pointerType === "touch" && i !== state.at) goTo(i);
    else open(i);
  });
  map.addEventListener("pointercancel", (event) => { pointers.delete(event.pointerId); state.drag = null; redraw(false); });
  map.addEventListener("pointerleave", () => { if (!pointers.size) goTo(-1); });
  map.addEventListener("wheel", (event) => {
    event.preventDefault();
    const at = placeOf(event);
    zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0016)), at.x, at.y);
    placeTip();
  }, { passive: false });

  // ---- filters: a point must pass all of them
  const filters = $("filters");
  let haystack = null;
  const plain = (text) => text.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, " ").trim();

  function wordsOf(query) {
    haystack ??= ids.map((id, i) => ` ${plain(`${id} ${words[i]}`)}`);
    return plain(query).split(" ").filter(Boolean).map((word) => ` ${word}`);
  }

  const limitOf = (id) => ($(id).value === "" ? null : Number($(id).value));

  function tests() {
    const sought = wordsOf($("search").value);
    const found = sought.length ? [(i) => sought.every((word) => haystack[i].includes(word))] : [];
    for (const [id, column] of Object.entries({ kind, library, format, task })) {
      const value = $(`by-${id}`).value;
      if (value !== "") found.push((i) => column.codes[i] === Number(value));
    }
    const [least, most, many] = [limitOf("score-least"), limitOf("score-most"), limitOf("downloads-least")];
    // A comparison with NaN is false: an unknown value is in no range.
    if (least !== null) found.push((i) => score[i] >= least);
    if (most !== null) found.push((i) => score[i] <= most);
    if (many !== null) found.push((i) => downloads[i] >= many);
    if (state.entry !== null) found.push((i) => looks.of[i] === state.entry);
    return found;
  }

  function filter() {
    const active = tests();
    state.hasFilter = active.length > 0;
    for (let i = 0; i < n; i += 1) state.match[i] = active.every((test) => test(i)) ? 1 : 0;
    select();
  }

  function select() {
    for (let i = 0; i < n; i += 1) state.shown[i] = state.match[i] && (!state.picked || state.picked[i]) ? 1 : 0;
    const matching = state.match.reduce((sum, each) => sum + each, 0);
    $("count").textContent = !n ? "There are no models on this map."
      : state.hasFilter ? `${number(matching)} of ${models(n)}${n < data.models ? " shown" : ""} ${matching === 1 ? "matches" : "match"}`
      : n < data.models ? `${number(n)} of ${models(data.models)} are shown`
      : n === 1 ? "1 model" : `All ${models(n)}`;
    $("clear").disabled = !state.hasFilter && !state.picked;
    if (state.at >= 0 && !state.shown[state.at]) goTo(-1);
    tabulate();
    redraw();
  }

  function clearAll() {
    filters.reset();
    $("search").value = "";
    Object.assign(state, { picked: null, entry: null });
    press();
    filter();
  }

  const OPTIONS = 300;
  function offer(id, { codes, names }) {
    const counts = new Int32Array(names.length);
    for (const code of codes) if (code >= 0) counts[code] += 1;
    const common = [...counts.keys()].filter((code) => counts[code]).sort((a, b) => counts[b] - counts[a] || a - b);
    const offered = common.slice(0, OPTIONS);
    $(`by-${id}`).append(...offered.map((code) =>
      element("option", `${shortened(names[code], 48)} (${number(counts[code])})`, { value: code })));
  }

  // ---- legend: the meaning of each mark, as a button that shows only its points
  function writeLegend() {
    const items = looks.entries.map((entry, k) => {
      if (!entry.points.length) return null;
      const button = element("button", undefined, { type: "button", "aria-pressed": "false", "data-entry": k });
      const { picture, side } = sprite(entry.mark, 5);
      Object.assign(picture.style, { width: `${side}px`, height: `${side}px` });
      picture.setAttribute("aria-hidden", "true");
      const icon = element("span", undefined, { class: "icon" });
      icon.append(picture);
      button.append(icon, element("span", entry.label, { class: "name" }),
        element("span", number(entry.points.length), { class: "many" }));
      button.addEventListener("click", () => {
        state.entry = state.entry === k ? null : k;
        press();
        filter();
      });
      const item = element("li");
      item.append(button);
      return item;
    });
    $("legend").replaceChildren(...items.filter(Boolean));
    press();
  }

  function press() {
    for (const button of $("legend").querySelectorAll("button"))
      button.setAttribute("aria-pressed", String(Number(button.dataset.entry) === state.entry));
  }

  // ---- table: the first rows of the selection; all of it as CSV
  const ROWS = 200;
  const COLUMNS = [
    ["Model", (i) => ids[i]],
    ["Author", (i) => nameOf(author, i)],
    ["Kind", (i) => nameOf(kind, i)],
    ["Score", (i) => score[i], decimal],
    ["Downloads", (i) => downloads[i], number],
    ["Likes", (i) => likes[i], number],
    ["Library", (i) => nameOf(library, i)],
    ["Task", (i) => nameOf(task, i)],
    ["Format", (i) => nameOf(format, i)],
    ["Words", (i) => words[i]],
  ];

  // Missing values come last in both directions.
  function compare(value, down) {
    return (i, j) => {
      const [a, b] = [value(i), value(j)];
      const [isNoA, isNoB] = [a === "" || Number.isNaN(a), b === "" || Number.isNaN(b)];
      if (isNoA || isNoB) return isNoA - isNoB || i - j;
      const way = typeof a === "string" ? a.localeCompare(b, "en") : a - b;
      return (down ? -way : way) || i - j;
    };
  }

  function selection() {
    if (!state.hasFilter && !state.picked) return [];
    const { column, down } = state.order;
    return [...state.shown.keys()].filter((i) => state.shown[i]).sort(compare(COLUMNS[column][1], down));
  }

  function tabulate() {
    const chosen = selection();
    $("csv").disabled = !chosen.length;
    $("table").hidden = !chosen.length;
    $("selected").textContent = !state.hasFilter && !state.picked
      ? "Nothing is selected: search, filter, or draw a rectangle on the map."
      : chosen.length > ROWS ? `${models(chosen.length)}; the first ${ROWS} are shown, ${number(chosen.length - ROWS)} more are in the CSV file.`
      : `${models(chosen.length)}.`;
    $("rows").replaceChildren(...chosen.slice(0, ROWS).map((i) => {
      const row = element("tr");
      row.append(...COLUMNS.map(([, value, write], k) => {
        if (!k) {
          const head = element("th", undefined, { scope: "row" });
          head.append(linkTo(i));
          return head;
        }
        return write ? element("td", known(value(i), write), { class: "number" }) : element("td", value(i));
      }));
      return row;
    }));
    [...$("heads").children].forEach((head, k) => {
      const { column, down } = state.order;
      head.setAttribute("aria-sort", k !== column ? "none" : down ? "descending" : "ascending");
    });
  }

  function writeHeads() {
    $("heads").replaceChildren(...COLUMNS.map(([name, , write], column) => {
      const head = element("th", undefined, { scope: "col", ...(write && { class: "number" }) });
      const button = element("button", name, { type: "button" });
      button.addEventListener("click", () => {
        const isSame = state.order.column === column;
        state.order = { column, down: isSame ? !state.order.down : Boolean(write) };
        tabulate();
      });
      head.append(button);
      return head;
    }));
  }

  // A spreadsheet reads a cell that opens with = + - @ as a formula; an apostrophe makes it text (tasks/spreadsheets.py).
  function cell(value) {
    if (typeof value === "number") return Number.isNaN(value) ? "" : String(Math.round(value * 1e4) / 1e4);
    const safe = /^\s*[=+\-@＝＋－＠]|^['\t\r\n]/.test(value) ? `'${value}` : value;
    return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  }

  function csv() {
    const lines = selection().map((i) => COLUMNS.map(([, value]) => cell(value(i))).join(","));
    return [COLUMNS.map(([name]) => name.toLowerCase()).join(","), ...lines, ""].join("\r\n");
  }

  function save() {
    const url = URL.createObjectURL(new Blob([csv()], { type: "text/csv;charset=utf-8" }));
    element("a", "", { href: url, download: "models.csv" }).click();
    setTimeout(() => URL.revokeObjectURL(url), 10000);
  }

  // ---- keyboard: arrows go from point to point
  const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

  function nextTo(i, [dx, dy]) {
    const isNew = i < 0;
    const [px, py] = isNew ? [view.width / 2, view.height / 2] : [toX(x[i]), toY(y[i])];
    let [best, least] = [i, Infinity];
    for (let j = 0; j < n; j += 1) {
      if (!state.shown[j] || j === i || !isPlaced(j)) continue;
      const [ex, ey] = [toX(x[j]) - px, toY(y[j]) - py];
      const ahead = ex * dx + ey * dy;
      const aside = Math.abs(ex * dy) + Math.abs(ey * dx);
      // Within 45 degrees of the arrow; the first point of all is the one nearest to the middle.
      if (!isNew && (ahead <= 0 || aside > ahead)) continue;
      const far = isNew ? Math.hypot(ex, ey) : ahead + 2 * aside;
      if (far < least) [best, least] = [j, far];
    }
    return best;
  }

  function step(arrow) {
    const i = nextTo(state.at, arrow);
    if (i < 0) return;
    const [px, py] = [toX(x[i]), toY(y[i])];
    if (px < 10 || py < 10 || px > view.width - 10 || py > view.height - 10) {
      [view.x, view.y] = [x[i], y[i]];
      redraw();
    }
    goTo(i, true);
  }

  function escape() {
    if (state.at >= 0) goTo(-1);
    else if (state.picked) { state.picked = null; select(); }
    else clearAll();
  }

  const KEYS = { "+": () => zoom(1.4), "=": () => zoom(1.4), "-": () => zoom(1 / 1.4), 0: fit, Escape: escape, Enter: () => open(state.at) };

  map.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const arrow = ARROWS[event.key];
    const act = arrow
      ? () => (event.shiftKey ? pan(-arrow[0] * view.width * 0.15, -arrow[1] * view.height * 0.15) : step(arrow))
      : KEYS[event.key];
    if (!act) return;
    event.preventDefault();
    act();
    placeTip();
  });

  // ---- start
  function size() {
    const wasFitted = !view.width || view.scale === view.fitted;
    const ratio = window.devicePixelRatio || 1;
    Object.assign(view, { width: map.clientWidth, height: map.clientHeight });
    for (const canvas of [$("dots"), $("over")])
      Object.assign(canvas, { width: Math.round(view.width * ratio), height: Math.round(view.height * ratio) });
    if (wasFitted) fit();
    // A new size empties a canvas: painted in the same frame, it is never seen empty.
    cancelAnimationFrame(due);
    isStale = true;
    paint();
  }

  function recolour() {
    state.entry = null;
    lookBy($("colour").value);
    writeLegend();
    filter();
  }

  for (const [id, column] of Object.entries({ kind, library, format, task })) offer(id, column);
  writeHeads();
  recolour();
  new ResizeObserver(size).observe(map);
  dark.addEventListener("change", () => { writeLegend(); redraw(); });
  $("colour").addEventListener("change", recolour);
  $("labels").addEventListener("change", () => redraw(false));
  $("search").addEventListener("input", filter);
  filters.addEventListener("input", filter);
  for (const form of document.forms) form.addEventListener("submit", (event) => event.preventDefault());
  $("clear").addEventListener("click", clearAll);
  $("csv").addEventListener("click", save);
  $("closer").addEventListener("click", () => zoom(1.6));
  $("farther").addEventListener("click", () => zoom(1 / 1.6));
  $("all").addEventListener("click", fit);
  $("rectangle").addEventListener("click", (event) => {
    state.selecting = !state.selecting;
    event.currentTarget.setAttribute("aria-pressed", String(state.selecting));
    map.style.cursor = state.selecting ? "crosshair" : "grab";
  });

  // The place of a point on the screen, for programs that drive this page.
  window.atlas = Object.freeze({
    csv,
    placeOf: (id) => {
      const i = ids.indexOf(id);
      const box = map.getBoundingClientRect();
      return { x: box.left + map.clientLeft + toX(x[i]), y: box.top + map.clientTop + toY(y[i]) };
    },
  });
})();
