// The side: people, channels, other pages. On a phone it is a drawer.
import { avatar, byID, fill, h, icon } from "./dom.js";
import { clock } from "./text.js";
import { channelName, unread, world } from "./world.js";

const phone = matchMedia("(max-width: 820px)");

export const narrow = () => phone.matches;

export const iconOf = (c) => icon(c.dm ? "person" : c.private ? "lock" : "hash");

// drawPeople draws who can sit at the keyboard; sitDown(person, channel) lets
// somebody.
export function drawPeople(sitDown) {
  const all = world.state.people.filter((p) => !p.bot);
  fill(byID("people"), all.map((p) => h("label", { class: "person", title: [p.real_name, p.role].filter(Boolean).join(" · ") },
    h("input", {
      type: "radio", name: "me", value: p.id, checked: p.id === world.env.me, class: "sr-only",
      onchange: () => sitDown(p.id, world.channel).then(() => byID("people").querySelector(":checked")?.focus()),
    }),
    avatar(p), h("span", { class: "person-name" }, p.real_name.split(" ")[0]))));
  const me = world.env.people.get(world.env.me);
  fill(byID("people-hint"), h("span", null, h("strong", null, me.real_name), me.role && " " + me.role),
    h("span", { class: "people-zone" }, localTime()));
}

const localTime = () => `${world.env.tz.split("/").at(-1).replaceAll("_", " ")}, ${clock(world.env, new Date())}`;

function tickTock() {
  const zone = byID("people-hint").querySelector(".people-zone");
  if (zone) zone.textContent = localTime();
}

export function drawChannels(go) {
  fill(byID("channels"), world.state.channels.map((c) => {
    const n = c.id === world.channel ? 0 : unread(c.id);
    return h("li", null, h("button", {
      type: "button", class: n ? "channel unread" : "channel", "aria-current": c.id === world.channel ? "page" : null, onclick: () => go(c.id),
    }, iconOf(c), h("span", null, channelName(c)), n > 0 && h("span", { class: "badge" }, String(n), h("span", { class: "sr-only" }, " unread"))));
  }));
  const links = world.state.links ?? [];
  fill(byID("links"), links.map((l) => h("li", null, h("a", { class: "channel", href: l.href, target: "_blank", title: l.about },
    icon(l.href.includes("gallery") ? "gallery" : "table"), h("span", null, l.label)))));
  byID("links-label").hidden = !links.length;
}

// menu opens the drawer, or closes it.
export function menu(open) {
  byID("app").classList.toggle("menu-open", open);
  byID("scrim").hidden = !open;
  byID("open-side").setAttribute("aria-expanded", String(open));
  fit();
  if (open && narrow()) byID("close-side").focus();
}

const menuIsOpen = () => byID("app").classList.contains("menu-open");

// closeMenu closes the drawer and reports whether it was open.
export function closeMenu() {
  if (!menuIsOpen()) return false;
  menu(false);
  byID("open-side").focus();
  return true;
}

// fit keeps the keyboard out of a drawer that is closed.
function fit() {
  byID("side").inert = narrow() && !menuIsOpen();
}

// onNarrow calls back when the page becomes narrow or wide.
export function onNarrow(tell) {
  phone.addEventListener("change", () => {
    fit();
    tell();
  });
}

fill(byID("open-side"), icon("menu"));
fill(byID("close-side"), icon("close"));
byID("open-side").addEventListener("click", () => menu(true));
byID("close-side").addEventListener("click", closeMenu);
byID("scrim").addEventListener("click", () => menu(false));
fit();
setInterval(() => world.state && tickTock(), 20e3);
