// Files: a CSV opens as a table.
import { fill, h, icon } from "./dom.js";

export function sizeText(bytes) {
  if (bytes < 1000) return `${bytes} bytes`;
  if (bytes < 1e6) return `${(bytes / 1000).toFixed(bytes < 1e4 ? 1 : 0)} KB`;
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

// parseCSV reads RFC 4180: rows of fields, quotes doubled inside quotes.
export function parseCSV(text) {
  text = text.replace(/^\uFEFF/, "");
  const rows = [];
  let row = [], cell = "", quoted = false;
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (quoted) {
      if (c !== '"') cell += c;
      else if (text[i + 1] === '"') { cell += '"'; i++; } else quoted = false;
    } else if (c === '"' && cell === "") quoted = true;
    else if (c === ",") { row.push(cell); cell = ""; }
    else if (c === "\n" || c === "\r") {
      if (c === "\r" && text[i + 1] === "\n") i++;
      row.push(cell); rows.push(row); row = []; cell = "";
    } else cell += c;
  }
  if (cell !== "" || row.length) { row.push(cell); rows.push(row); }
  return rows.filter((r) => r.length > 1 || r[0] !== "");
}

const number = new Intl.NumberFormat("en-US");
const count = (n, one) => `${number.format(n)} ${one}${n === 1 ? "" : "s"}`;
const atOnce = 200; // rows drawn at once; more when the end comes into view

// view opens a file in a dialog; url is where its bytes are.
export async function view(file, url) {
  const status = h("p", { class: "file-count", role: "status" }, "Reading…");
  const body = h("div", { class: "dialog-body file-body" });
  const filter = h("input", { type: "search", id: "file-filter", placeholder: "Filter rows", "aria-label": "Filter rows", autocomplete: "off" });
  const dialog = h("dialog", { class: "dialog wide", "aria-labelledby": "file-title" },
    h("header", { class: "dialog-head" },
      h("h2", { id: "file-title", class: "dialog-title file-name" }, file.name),
      h("a", { class: "button", href: url, download: file.name, "aria-label": "Download" }, icon("download"), h("span", null, "Download")),
      h("button", { type: "button", class: "icon-button", "aria-label": "Close the file", onclick: () => dialog.close() }, icon("close"))),
    h("div", { class: "file-tools" }, filter, status), body);
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  try {
    const answer = await fetch(url);
    if (!answer.ok) throw new Error(await answer.text());
    const text = await answer.text();
    if (/\.csv$/i.test(file.name)) table(parseCSV(text), body, filter, status);
    else {
      filter.remove();
      fill(status, sizeText(file.size));
      fill(body, h("pre", { tabindex: "0" }, text));
    }
  } catch (e) {
    fill(status, "The file could not be read: " + e.message);
  }
}

function table([head = [], ...rows], place, filter, status) {
  const body = h("tbody");
  place.tabIndex = 0;
  place.setAttribute("role", "region");
  place.setAttribute("aria-label", "Rows");
  fill(place, h("table", { class: "sheet" },
    h("thead", null, h("tr", null, h("th", { scope: "col", class: "row-number" }, "#"), head.map((c) => h("th", { scope: "col" }, c)))), body));
  let shown = rows, drawn = 0;
  const more = () => {
    body.append(...shown.slice(drawn, drawn + atOnce).map((r) => h("tr", null,
      h("td", { class: "row-number" }, number.format(rows.indexOf(r) + 1)), head.map((_, i) => h("td", null, r[i] ?? "")))));
    drawn = Math.min(shown.length, drawn + atOnce);
  };
  const start = () => {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    shown = words.length ? rows.filter((r) => { const all = r.join("\n").toLowerCase(); return words.every((w) => all.includes(w)); }) : rows;
    drawn = 0;
    body.replaceChildren();
    more();
    fill(status, shown.length === rows.length
      ? `${count(rows.length, "row")} · ${count(head.length, "column")}`
      : `${number.format(shown.length)} of ${count(rows.length, "row")}`);
  };
  filter.addEventListener("input", start);
  place.addEventListener("scroll", () => {
    if (drawn < shown.length && place.scrollTop + place.clientHeight > place.scrollHeight - 600) more();
  });
  start();
}
