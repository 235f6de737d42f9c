// Everything the bot can say, drawn by the same code as in the workspace.
import { avatar, byID, fill, h, icon } from "/web/static/dom.js";
import { messageBody } from "/web/static/blocks.js";
import { confirmNode, formNode } from "/web/static/forms.js";
import { onTheme, toggleTheme } from "/web/static/theme.js";

let made = 0;

function exhibit(env, bot, e) {
  const node = h("article", { class: "exhibit" },
    h("h3", { class: "exhibit-label" }, e.label),
    e.typed && h("p", { class: "exhibit-typed" }, h("code", null, e.typed)),
    e.view ? form(env, e) : message(env, bot, e));
  node.dataset.words = node.textContent.toLowerCase();
  return node;
}

function message(env, bot, e) {
  return h("div", { class: e.only ? "message only" : "message" },
    h("div", { class: "gutter" }, avatar(bot)),
    h("div", { class: "said" },
      e.only && h("p", { class: "only-note" }, icon("eye"), "Only visible to you"),
      h("p", { class: "byline" }, h("strong", { class: "author" }, bot.real_name), h("span", { class: "tag" }, "App")),
      messageBody(env, e.message, () => {}), questions(env, e.message)));
}

// questions are the confirm dialogs behind a message's buttons.
function questions(env, m) {
  const all = (m.blocks ?? []).flatMap((b) => b.elements ?? []).filter((e) => e.confirm);
  return all.map((e) => shownDialog(`What “${e.text.text}” asks first`, confirmNode(env, e.confirm, () => {})));
}

function form(env, e) {
  const made = formNode(env, e.view, () => {}, () => {}, () => {});
  for (const f of made.fields) if (e.errors?.[f.block]) f.wrong(e.errors[f.block]);
  return shownDialog("", h("div", { class: "dialog" }, made.form));
}

// shownDialog shows a dialog without opening it. Its ids become its own.
function shownDialog(caption, dialog) {
  const own = `d${++made}-`;
  for (const e of [dialog, ...dialog.querySelectorAll("*")]) {
    for (const name of ["id", "for", "aria-labelledby", "name"]) if (e.hasAttribute(name)) e.setAttribute(name, own + e.getAttribute(name));
    const by = e.getAttribute("aria-describedby");
    if (by) e.setAttribute("aria-describedby", by.split(" ").map((id) => own + id).join(" "));
  }
  const inside = h("div", { class: dialog.className, role: "group", "aria-label": dialog.querySelector("h2").textContent }, ...dialog.childNodes);
  return h("figure", { class: "shown-dialog" }, caption && h("figcaption", null, caption), inside);
}

async function begin() {
  const answer = await fetch("/page/gallery.json");
  if (!answer.ok) throw new Error(await answer.text());
  const all = await answer.json();
  const by = (list) => new Map(list.map((x) => [x.id, x]));
  const env = { me: "U0ALICE", people: by(all.people), groups: by(all.groups), channels: by(all.channels), tz: "Europe/Berlin" };
  const bot = all.people.find((p) => p.bot);
  fill(byID("tabs"), all.wings.map((w, i) => h("a", { href: `#wing-${i}` }, w.title, h("span", { class: "tab-count" }, String(w.exhibits.length)))));
  fill(byID("wings"), all.wings.map((w, i) => h("section", { class: "wing", id: `wing-${i}`, "aria-labelledby": `wing-title-${i}` },
    h("h2", { id: `wing-title-${i}` }, w.title), h("p", { class: "wing-about" }, w.about),
    h("div", { class: "exhibits" }, w.exhibits.map((e) => exhibit(env, bot, e))))));
  if (location.hash) document.querySelector(location.hash)?.scrollIntoView();
}

byID("filter").addEventListener("input", (event) => {
  const words = event.target.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const e of document.querySelectorAll(".exhibit")) e.hidden = !words.every((w) => e.dataset.words.includes(w));
  for (const w of document.querySelectorAll(".wing")) w.hidden = !w.querySelector(".exhibit:not([hidden])");
});
byID("theme").addEventListener("click", toggleTheme);
onTheme((theme) => {
  fill(byID("theme"), icon(theme === "dark" ? "sun" : "moon"));
  byID("theme").setAttribute("aria-label", theme === "dark" ? "Switch to light" : "Switch to dark");
});
begin().catch((e) => fill(byID("wings"), h("p", { class: "loading", role: "alert" }, "The gallery cannot be shown: " + e.message)));
