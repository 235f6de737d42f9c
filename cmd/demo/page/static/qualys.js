// Who is in the simulated Qualys, and who goes.
import { byID, fill, h, icon } from "/web/static/dom.js";
import { onTheme, toggleTheme } from "/web/static/theme.js";

const every = 1000; // milliseconds between looks
const atOnce = 300; // rows drawn at once
const farewell = 2600; // milliseconds a row that goes stays to be seen
const number = new Intl.NumberFormat("en-US");

let of = "saq", users = new Map(), first = true, drawn = atOnce;
const rows = new Map(); // by id: the row that is drawn, and what it says
const head = {
  saq: ["Id", "Login", "Name", "E-mail", "Company", "Title", "Tags"],
  platform: ["Username", "Name", "E-mail", "Roles", "Status", "Tags"],
};
const cells = {
  saq: (u) => [u.id, u.login, u.name, u.email, u.company, u.title, u.tags],
  platform: (u) => [u.login, u.name, u.email, u.company, u.title, u.tags],
};
const body = h("tbody");

async function look() {
  const asked = of;
  const answer = await fetch("/page/qualys.json?of=" + asked);
  if (!answer.ok) throw new Error(await answer.text());
  const all = await answer.json();
  if (asked !== of) return;
  figures(all);
  const now = new Map(all.users.map((u) => [u.id, u]));
  const gone = first ? [] : [...users.keys()].filter((id) => !now.has(id));
  users = now;
  for (const id of gone) leave(id);
  draw();
  first = false;
}

function figures(all) {
  const list = [["SAQ users", all.saq], ["Platform users", all.platform], ["Deleted", all.deletes], ["Updated", all.updates]];
  const place = byID("figures");
  if (!place.children.length) fill(place, list.map(([label]) => h("div", null, h("dt", null, label), h("dd"))));
  list.forEach(([, n], i) => {
    const dd = place.children[i].querySelector("dd"), text = number.format(n);
    if (dd.textContent !== text) {
      if (!first) dd.classList.add("changed");
      dd.textContent = text;
      setTimeout(() => dd.classList.remove("changed"), 900);
    }
  });
}

// leave lets a row be seen to go.
function leave(id) {
  const row = rows.get(id);
  if (!row) return;
  rows.delete(id);
  row.node.classList.add("going");
  row.node.setAttribute("aria-hidden", "true");
  setTimeout(() => row.node.remove(), farewell);
}

function wanted() {
  const words = byID("filter").value.toLowerCase().split(/\s+/).filter(Boolean);
  const all = [...users.values()];
  return words.length ? all.filter((u) => { const text = cells[of](u).join("\n").toLowerCase(); return words.every((w) => text.includes(w)); }) : all;
}

function draw() {
  const found = wanted();
  const shown = found.slice(0, drawn);
  const ids = new Set(shown.map((u) => u.id));
  for (const [id, row] of rows) {
    if (!ids.has(id)) {
      row.node.remove();
      rows.delete(id);
    }
  }
  let here = body.firstChild;
  for (const u of shown) {
    while (here?.classList.contains("going")) here = here.nextSibling;
    const says = JSON.stringify(u);
    let row = rows.get(u.id);
    if (!row || row.says !== says) {
      const node = h("tr", { class: row && !first ? "changed" : null }, cells[of](u).map((c) => h("td", null, c)));
      if (row) {
        if (row.node === here) here = here.nextSibling;
        row.node.remove();
      }
      row = { node, says };
      rows.set(u.id, row);
    }
    if (row.node === here) here = here.nextSibling;
    else body.insertBefore(row.node, here);
  }
  const text = found.length === users.size ? `${number.format(users.size)} users` : `${number.format(found.length)} of ${number.format(users.size)} users`;
  if (byID("count").textContent !== text) byID("count").textContent = text;
}

function choose(population) {
  of = population;
  first = true;
  drawn = atOnce;
  rows.clear();
  body.replaceChildren();
  for (const name of ["saq", "platform"]) byID(name).setAttribute("aria-pressed", String(name === of));
  fill(byID("rows"), h("table", { class: "sheet" }, h("thead", null, h("tr", null, head[of].map((c) => h("th", { scope: "col" }, c)))), body));
  return again();
}

let timer = 0;

async function again() {
  clearTimeout(timer);
  try {
    await look();
  } catch (e) {
    byID("count").textContent = "Qualys cannot be reached: " + e.message;
  }
  timer = setTimeout(again, every);
}

byID("rows").addEventListener("scroll", (event) => {
  const p = event.currentTarget;
  if (p.scrollTop + p.clientHeight > p.scrollHeight - 600 && drawn < users.size) {
    drawn += atOnce;
    draw();
  }
});
byID("filter").addEventListener("input", () => {
  drawn = atOnce;
  draw();
});
for (const name of ["saq", "platform"]) byID(name).addEventListener("click", () => choose(name));
byID("theme").addEventListener("click", toggleTheme);
onTheme((theme) => {
  fill(byID("theme"), icon(theme === "dark" ? "sun" : "moon"));
  byID("theme").setAttribute("aria-label", theme === "dark" ? "Switch to light" : "Switch to dark");
});
choose("saq");
