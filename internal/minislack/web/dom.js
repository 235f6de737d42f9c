// Building the page out of nodes. Text becomes text nodes and nothing else, so
// that a name with markup in it is a name with markup in it.

// h makes an element. Attributes that are null or false are left out, those that
// begin with "on" are listeners; children are nodes, strings, arrays or null.
export function h(tag, attributes, ...children) {
  const e = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value == null || value === false) continue;
    if (name.startsWith("on")) e.addEventListener(name.slice(2), value);
    else if (name === "value") e.value = value;
    else e.setAttribute(name, value === true ? "" : String(value));
  }
  e.append(...nodes(children));
  return e;
}

function nodes(children) {
  return children.flat(Infinity).filter((c) => c != null && c !== false);
}

// fill replaces what is inside an element.
export function fill(e, ...children) {
  e.replaceChildren(...nodes(children));
  return e;
}

export const byID = (id) => document.getElementById(id);

const paths = {
  menu: "M4 7h16M4 12h16M4 17h16",
  close: "M6 6l12 12M18 6L6 18",
  sun: "M12 8a4 4 0 100 8 4 4 0 000-8zM12 2v2M12 20v2M4.9 4.9l1.4 1.4M17.7 17.7l1.4 1.4M2 12h2M20 12h2M4.9 19.1l1.4-1.4M17.7 6.3l1.4-1.4",
  moon: "M20 14.5A8 8 0 119.5 4a6.5 6.5 0 0010.5 10.5z",
  hash: "M5 9h15M4 15h15M10 4L8 20M16 4l-2 16",
  lock: "M7 11V8a5 5 0 0110 0v3M6 11h12v9H6z",
  person: "M12 12a4 4 0 100-8 4 4 0 000 8zM4.5 20a7.5 7.5 0 0115 0",
  send: "M4 12l16-8-6 16-3-6z",
  file: "M7 3h7l4 4v14H7zM14 3v5h4",
  download: "M12 4v11M7 11l5 5 5-5M5 20h14",
  bolt: "M13 3L5 14h6l-1 7 8-11h-6z",
  check: "M5 12.5l4.5 4.5L19 7.5",
  down: "M12 5v14M6 13l6 6 6-6",
  eye: "M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12zM12 9.5a2.5 2.5 0 100 5 2.5 2.5 0 000-5z",
  warning: "M12 4l9 16H3zM12 10v4M12 17v.5",
  thread: "M4 5h16v11H10l-4 4v-4H4z",
  table: "M4 5h16v14H4zM4 10h16M4 14.5h16M10 10v9",
  gallery: "M4 4h7v7H4zM13 4h7v7h-7zM4 13h7v7H4zM13 13h7v7h-7z",
  back: "M15 5l-7 7 7 7",
};

// icon draws one of the signs above. It means nothing without words beside it.
export function icon(name) {
  const ns = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(ns, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(ns, "path");
  path.setAttribute("d", paths[name]);
  svg.append(path);
  return svg;
}

// avatar is somebody's first letters on a colour of their own, or the bot's mark.
export function avatar(person) {
  if (!person) return h("span", { class: "avatar", "aria-hidden": "true" }, "?");
  if (person.bot) return h("span", { class: "avatar bot", "aria-hidden": "true" });
  const letters = person.real_name.split(/\s+/).map((w) => [...w][0] ?? "").slice(0, 2).join("");
  return h("span", { class: `avatar tint-${(person.tint ?? 0) % 6}`, "aria-hidden": "true" }, letters.toUpperCase());
}
