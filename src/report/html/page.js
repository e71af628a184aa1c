// Filters, keys, two cells side by side, a theme. The script only shows what the page contains, and never
// sets text as HTML.
"use strict";
(() => {
  const $ = (id) => document.getElementById(id);
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];
  const make = (tag, text, attributes = {}) => {
    const element = document.createElement(tag);
    element.textContent = text;
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    return element;
  };
  const address = () => {
    try { return decodeURIComponent(location.hash.slice(1)); } catch { return location.hash.slice(1); }
  };

  // Theme: of the system, or chosen. A page on disk may have no storage.
  const themes = ["system", "light", "dark"];
  const save = (theme) => { try { localStorage.setItem("atsmatrix-theme", theme); } catch { /* not saved */ } };
  const saved = () => { try { return localStorage.getItem("atsmatrix-theme"); } catch { return null; } };
  let theme = themes.includes(saved()) ? saved() : "system";
  const apply = () => {
    if (theme === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    $("theme").textContent = `Theme: ${theme}`;
  };
  $("theme").hidden = false;
  $("theme").addEventListener("click", () => {
    theme = themes[(themes.indexOf(theme) + 1) % themes.length];
    save(theme);
    apply();
  });
  apply();

  // Filters.
  const filters = $("filters");
  const links = all(".matrix td a");
  const sections = new Map(all(".cell").map((section) => [section.dataset.cell, section]));
  const words = new Map();
  const textOf = (cell) => {
    if (!words.has(cell)) {
      const section = sections.get(cell);
      // It is also about another cell.
      const compared = section.querySelector(".behaviour")?.textContent ?? "";
      words.set(cell, `${cell} ${section.textContent.replace(compared, "")}`.toLowerCase());
    }
    return words.get(cell);
  };
  const filter = () => {
    const chosen = new FormData(filters);
    const [text, distro, ats] = ["q", "distro", "ats"].map((name) => chosen.get(name) ?? "");
    const verdicts = chosen.getAll("verdict");
    const terms = text.toLowerCase().split(/\s+/).filter(Boolean);
    const strict = terms.length > 0 || verdicts.length > 0;
    let shown = 0;
    for (const row of all(".matrix tbody tr")) {
      let any = false;
      for (const td of all("td", row)) {
        td.hidden = ats !== "" && td.dataset.ats !== ats;
        const link = td.querySelector("a");
        if (!link || td.hidden) continue;
        const fits = (verdicts.length === 0 || verdicts.includes(td.dataset.verdict))
          && terms.every((term) => textOf(link.dataset.cell).includes(term));
        td.classList.toggle("off", !fits);
        if (fits) link.removeAttribute("tabindex");
        else link.tabIndex = -1;
        any ||= fits;
        if (fits && (distro === "" || row.dataset.distro === distro)) shown += 1;
      }
      row.hidden = (distro !== "" && row.dataset.distro !== distro) || ((strict || ats !== "") && !any);
    }
    for (const th of all(".matrix thead th[data-ats]")) th.hidden = ats !== "" && th.dataset.ats !== ats;
    const narrowed = strict || distro !== "" || ats !== "";
    $("shown").textContent = narrowed ? `${shown} of ${links.length} cells` : "";
    $("clear").hidden = !narrowed;
    $("empty").hidden = shown > 0;
  };
  // The address has the filters, so that a filtered matrix can be sent.
  const store = () => {
    const chosen = new URLSearchParams();
    for (const [name, value] of new FormData(filters)) if (value !== "") chosen.append(name, value);
    const query = chosen.size > 0 ? `?${chosen}` : "";
    try { history.replaceState(null, "", location.pathname + query + location.hash); } catch { /* not allowed */ }
  };
  const restore = () => {
    const chosen = new URLSearchParams(location.search);
    for (const name of ["q", "distro", "ats"]) {
      const value = chosen.get(name);
      if (value !== null) filters.elements[name].value = value;
    }
    for (const box of all("input[name=verdict]", filters)) box.checked = chosen.getAll("verdict").includes(box.value);
    for (const select of all("select", filters)) if (select.selectedIndex < 0) select.value = "";
  };
  filters.hidden = false;
  filters.addEventListener("input", () => { filter(); store(); });
  filters.addEventListener("reset", () => setTimeout(() => { filter(); store(); }));
  filters.addEventListener("submit", (event) => event.preventDefault());
  restore();
  filter();

  // Two cells side by side.
  const pair = $("pair");
  const facts = (cell) => {
    const section = sections.get(cell);
    const found = [["verdict", section.dataset.verdict]];
    for (const dt of all(".provenance dt", section)) found.push([dt.textContent, dt.nextElementSibling.textContent]);
    for (const trial of all(".trial", section)) found.push([`trial ${trial.dataset.trial}`, trial.dataset.outcome]);
    return new Map(found);
  };
  // A verdict or outcome gets its symbol.
  const valued = (name, value) => {
    const icon = /^(verdict$|trial )/.test(name) && document.querySelector(`.badge.v-${CSS.escape(value.replaceAll(" ", "-"))} .icon`);
    if (!icon) return make("td", value);
    const badge = make("span", value, { class: `badge v-${value.replaceAll(" ", "-")}` });
    badge.prepend(icon.cloneNode(true));
    const td = make("td", "", { class: "value" });
    td.append(badge);
    return td;
  };
  const compare = () => {
    const [one, other] = [pair.elements.one.value, pair.elements.other.value];
    const [left, right] = [facts(one), facts(other)];
    const table = make("table", "", { class: pair.elements.same.checked ? "plain pair mixed" : "plain pair" });
    table.append(make("caption", `${one} and ${other}; differences are marked`, { class: "vh" }));
    const head = make("tr", "");
    for (const title of ["", one, other]) head.append(title ? make("th", title, { scope: "col" }) : make("td", ""));
    const body = make("tbody", "");
    let differing = 0;
    for (const name of new Set([...left.keys(), ...right.keys()])) {
      const values = [left.get(name) ?? "–", right.get(name) ?? "–"];
      const differs = values[0] !== values[1];
      if (differs) differing += 1;
      else if (!pair.elements.same.checked) continue;
      const row = make("tr", "", differs ? { class: "differs" } : {});
      const title = make("th", name, { scope: "row" });
      if (differs) title.append(make("span", " differs", { class: "vh" }));
      row.append(title, ...values.map((value) => valued(name, value)));
      body.append(row);
    }
    const top = make("thead", "");
    top.append(head);
    table.append(top, body);
    const box = make("div", "", { class: "scroll", role: "region", "aria-label": "Comparison", tabindex: "0" });
    box.append(table);
    const count = differing === 1 ? "1 difference." : `${differing} differences.`;
    $("differing").textContent = one === other ? "This is the same cell twice." : count;
    $("difference").replaceChildren(box);
  };
  const compared = () => `compare/${pair.elements.one.value}/${pair.elements.other.value}`;
  if (pair) {
    pair.hidden = false;
    pair.addEventListener("input", (event) => {
      compare();
      if (event.target.name !== "same") try { history.replaceState(null, "", `#${compared()}`); } catch { /* not allowed */ }
    });
    pair.addEventListener("submit", (event) => event.preventDefault());
    $("swap").addEventListener("click", () => {
      const { one, other } = pair.elements;
      [one.value, other.value] = [other.value, one.value];
      one.dispatchEvent(new Event("input", { bubbles: true }));
    });
    for (const link of all("[data-compare]")) link.addEventListener("click", () => {
      pair.elements.one.value = link.dataset.compare;
      compare();
    });
    compare();
  }

  // Follow the address: the browser shows the section; the script marks the cell in the matrix, expands
  // the details around the target, and moves the focus there.
  const arrive = () => {
    const at = address();
    const [kind, ...rest] = at.split("/");
    if (kind === "compare" && rest.length === 4 && pair) {
      const [one, other] = [rest.slice(0, 2).join("/"), rest.slice(2).join("/")];
      if (sections.has(one) && sections.has(other)) {
        [pair.elements.one.value, pair.elements.other.value] = [one, other];
        compare();
        $("compare").scrollIntoView();
      }
    }
    const cell = ["cell", "trial", "bisection"].includes(kind) ? rest.slice(0, 2).join("/") : "";
    const before = links.find((link) => link.hasAttribute("aria-current"));
    for (const link of links) {
      if (link.dataset.cell === cell) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
    const target = at && document.getElementById(at);
    if (!target) return;
    if (at === "matrix" && before) return before.focus();
    for (let box = target.closest("details"); box; box = box.parentElement.closest("details")) box.open = true;
    target.focus({ preventScroll: true });
    target.scrollIntoView();
  };
  addEventListener("hashchange", arrive);
  arrive();

  // Keys: / for the text filter, Escape back to the matrix, arrows between cells.
  const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
  const walk = (link, [down, right]) => {
    const rows = all(".matrix tbody tr").filter((row) => !row.hidden);
    const column = link.closest("td").cellIndex;
    for (let row = rows.indexOf(link.closest("tr")) + down, at = column + right; ; row += down, at += right) {
      const td = rows[row]?.cells[at];
      if (!td || td.tagName === "TH") return;
      const next = td.hidden || td.classList.contains("off") ? null : td.querySelector("a");
      if (next) return next.focus();
    }
  };
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const typing = event.target.matches("input, select, textarea");
    if (event.key === "/" && !typing) {
      event.preventDefault();
      $("filter-text").focus();
    } else if (event.key === "Escape" && !typing && /^(cell|trial)\//.test(address())) {
      location.hash = "matrix";
    } else if (event.key in step && event.target.matches(".matrix td a")) {
      event.preventDefault();
      walk(event.target, step[event.key]);
    }
  });
})();
