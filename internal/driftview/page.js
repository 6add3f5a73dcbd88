"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const select = document.getElementById("window");
  if (!select) return;
  const table = document.getElementById("features");
  const rows = [...table.tBodies];
  let current = Number(select.value);

  const svgElement = (name, attributes) => {
    const e = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const key in attributes) e.setAttribute(key, attributes[key]);
    return e;
  };
  const element = (name, text, className) => {
    const e = document.createElement(name);
    if (text !== undefined) e.textContent = text;
    if (className) e.className = className;
    return e;
  };
  const chart = (width, label) =>
    svgElement("svg", { viewBox: `0 0 ${width} 100`, preserveAspectRatio: "none", role: "img", "aria-label": label });
  const digits = (v) => (v === undefined ? "" : v.toFixed(3).replace(/^-(0\.0+)$/, "$1"));
  const percent = (v) => (v ? (100 * v).toFixed(1) + "%" : "");
  const count = (n) => n.toLocaleString("en-US");

  // histogram draws the reference as an outline over the window's bars.
  const histogram = (f, w) => {
    const then = f.reference || [], now = f.now[w] || [];
    const n = Math.max(then.length, now.length);
    const svg = chart(n || 1, `${f.name}: reference and now`);
    const most = Math.max(...then, ...now, 1e-9);
    const y = (v) => (100 - 96 * (v / most)).toFixed(1);
    let path = "";
    now.forEach((v, i) => { if (v > 0) path += `M${i + 0.06} 100V${y(v)}H${i + 0.94}V100Z`; });
    svg.append(svgElement("path", { d: path, class: "now" }));
    if (then.length) {
      path = "M0 100";
      then.forEach((v, i) => { path += `V${y(v)}H${i + 1}`; });
      svg.append(svgElement("path", { d: path + "V100", class: "then" }));
    }
    return svg;
  };

  // peers are the windows of the same length as the one that is shown.
  const peers = () => data.windows.map((_, i) => i).filter((i) => data.windows[i].name === data.windows[current].name);

  // series draws values over the windows; a click goes to one.
  const series = (values, alarms, limit, label) => {
    const shown = peers();
    const width = Math.max(shown.length - 1, 1);
    const svg = chart(width, label);
    const most = Math.max(limit ? limit * 1.5 : 0, ...shown.map((i) => values(i) || 0), 1e-9);
    const y = (v) => (98 - 94 * (v / most)).toFixed(1);
    let curve = "", pen = "M", dots = "", last = -1;
    shown.forEach((i, x) => {
      const v = values(i);
      if (v === undefined) { pen = "M"; return; }
      if (shown.length === 1) dots += `M0.5 ${y(v)}h0`;
      curve += `${pen}${x} ${y(v)}`;
      pen = "L";
      if (alarms && alarms(i)) dots += `M${x} ${y(v)}h0`;
      if (i === current) last = x;
    });
    if (limit) svg.append(svgElement("line", { x1: 0, x2: width, y1: y(limit), y2: y(limit), class: "limit" }));
    if (last >= 0 && shown.length > 1) svg.append(svgElement("line", { x1: last, x2: last, y1: 0, y2: 100, class: "here" }));
    svg.append(svgElement("path", { d: curve, class: "curve" }), svgElement("path", { d: dots, class: "dots" }));
    svg.addEventListener("click", (e) => {
      const box = svg.getBoundingClientRect();
      show(shown[Math.max(0, Math.min(shown.length - 1, Math.round(((e.clientX - box.left) / box.width) * width)))]);
    });
    return svg;
  };

  const axis = (...labels) => {
    const e = element("div", undefined, "axis");
    for (const label of labels) e.append(element("span", label));
    return e;
  };
  const panel = (title, ...content) => {
    const e = element("div");
    e.append(element("h2", title), ...content);
    return e;
  };
  const seriesAxis = () => {
    const shown = peers();
    return axis(data.windows[shown[0]].span, shown.length > 1 ? data.windows[shown.at(-1)].span : "");
  };

  // names lists a categorical feature's bars with their names.
  const names = (f, w) => {
    const list = element("div", undefined, "names");
    const now = f.now[w] || [];
    const most = Math.max(...f.reference, ...now, 1e-9);
    f.labels.forEach((label, i) => {
      if (!f.reference[i] && !now[i]) return;
      const pair = element("span", undefined, "pair");
      for (const v of [f.reference[i], now[i]]) {
        const bar = element("i");
        bar.style.width = `${(100 * (v || 0)) / most}%`;
        pair.append(bar);
      }
      list.append(element("span", label), pair, element("span", `${percent(f.reference[i]) || "0"} → ${percent(now[i]) || "0"}`, "number"));
    });
    return list;
  };

  const facts = (r) => {
    const list = element("dl");
    const add = (name, value) => { if (value) list.append(element("dt", name), element("dd", value)); };
    add("status", r.status);
    add("rows", count(r.rows));
    add("JS distance", digits(r.js) && `${digits(r.js)}, at least ${digits(r.lower)}`);
    add("Hellinger", digits(r.hellinger));
    add("L-infinity", digits(r.linf));
    add("q", r.q === undefined ? "" : String(Number(r.q.toPrecision(2))));
    add("not finite", percent(r.nonFinite));
    add("type errors", r.typeErrors && count(r.typeErrors));
    add("different values", r.distinct && "about " + count(r.distinct));
    for (const name in r.compat || {}) add(name, r.compat[name].toPrecision(5));
    return list;
  };

  const detail = (f, w) => {
    const panels = element("div", undefined, "panels");
    const histogramPanel = f.labels
      ? panel("Reference and now", names(f, w))
      : panel("Reference and now", histogram(f, w), axis(f.low ? "≤ " + f.low : "", f.high ? f.high + " ≤" : ""));
    panels.append(histogramPanel);
    if (peers().length > 1) {
      panels.append(panel("JS distance by window", series((i) => f.reports[i].js, (i) => f.reports[i].alarm, data.effect, f.name + ": JS distance by window"), seriesAxis()));
      if (f.reports.some((r) => r.missing)) panels.append(panel("Missing by window", series((i) => f.reports[i].missing, null, 0, f.name + ": missing by window"), seriesAxis()));
    }
    panels.append(panel("Numbers", facts(f.reports[w])));
    return panels;
  };

  const fillDetail = (body) => {
    const row = body.rows[1];
    if (!row.hidden) row.cells[0].replaceChildren(detail(data.features[body.dataset.number], current));
  };

  const fill = (body) => {
    const f = data.features[body.dataset.number], r = f.reports[current];
    body.classList.toggle("alarm", Boolean(r.alarm));
    body.querySelector(".status").textContent = r.alarm ? "alarm" : r.status;
    body.querySelector(".errors").textContent = r.typeErrors ? `${count(r.typeErrors)} type errors` : "";
    for (const cell of body.querySelectorAll("[data-key]")) {
      const v = r[cell.dataset.key];
      cell.textContent = cell.dataset.key === "missing" ? percent(v) : digits(v);
    }
    body.querySelector(".histogram").replaceChildren(histogram(f, current));
    body.querySelector(".series").replaceChildren(series((i) => f.reports[i].js, (i) => f.reports[i].alarm, data.effect, f.name + ": JS distance by window"));
    fillDetail(body);
  };

  const overview = () => {
    const box = document.getElementById("overview");
    if (peers().length < 2) { box.replaceChildren(); return; }
    const most = (i) => Math.max(...data.features.map((f) => f.reports[i].js ?? -1));
    const chart = series((i) => (most(i) < 0 ? undefined : most(i)), (i) => data.windows[i].alarm, data.effect, "Greatest JS distance by window");
    chart.style.height = "5rem";
    box.replaceChildren(chart, axis("greatest JS distance by window", `line: the effect worth an alarm, ${data.effect}`));
  };

  const show = (w) => {
    current = w;
    select.value = w;
    const shown = data.windows[w];
    const verdict = document.getElementById("verdict");
    verdict.className = shown.alarm ? "alarm" : "";
    verdict.textContent = `${shown.name} ${shown.span}: ${count(shown.rows)} rows. ` +
      (shown.alarm ? `Alarm, ${shown.severity}: ${shown.contributors.join(", ")}` : "No alarm.");
    document.getElementById("previous").disabled = w === 0;
    document.getElementById("next").disabled = w === data.windows.length - 1;
    rows.forEach(fill);
    overview();
  };

  const sortBy = (header) => {
    const key = header.dataset.key;
    const descending = header.getAttribute("aria-sort") ? header.getAttribute("aria-sort") === "ascending" : key !== "name";
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    header.setAttribute("aria-sort", descending ? "descending" : "ascending");
    const value = (body) => {
      const f = data.features[body.dataset.number];
      return key === "name" ? f.name : f.reports[current][key] ?? -1;
    };
    const sign = descending ? -1 : 1;
    rows.sort((a, b) => sign * (key === "name" ? value(a).localeCompare(value(b)) : value(a) - value(b)));
    table.append(...rows);
  };

  const toggle = (body, open) => {
    body.rows[1].hidden = !open;
    body.querySelector(".name").setAttribute("aria-expanded", open);
    fillDetail(body);
  };

  select.addEventListener("change", () => show(Number(select.value)));
  document.getElementById("previous").addEventListener("click", () => show(current - 1));
  document.getElementById("next").addEventListener("click", () => show(current + 1));
  document.getElementById("filter").addEventListener("input", (e) => {
    const wanted = e.target.value.toLowerCase();
    for (const body of rows) body.hidden = !data.features[body.dataset.number].name.toLowerCase().includes(wanted);
  });
  for (const header of table.tHead.querySelectorAll("[data-key]")) header.querySelector("button").addEventListener("click", () => sortBy(header));
  for (const body of rows) body.querySelector(".name").addEventListener("click", () => toggle(body, body.rows[1].hidden));
  window.addEventListener("beforeprint", () => rows.filter((b) => b.classList.contains("alarm")).forEach((b) => toggle(b, true)));
  show(current);
})();
