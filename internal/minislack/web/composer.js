// The field where people write, with completion of commands.
import { fill, h, icon } from "./dom.js";

let made = 0;

// composer makes a field. grammar() gives {commands, ids}, where ids are what
// stands in messages and could be meant; send(text) returns a promise of whether
// the text was taken.
export function composer({ id, placeholder, grammar, send, plain }) {
  const list = `${id}-list-${++made}`;
  const field = h("textarea", {
    id, rows: "1", class: "composer-field", placeholder, "aria-label": placeholder, autocomplete: "off", spellcheck: "false",
    role: plain ? null : "combobox", "aria-autocomplete": plain ? null : "list", "aria-expanded": plain ? null : "false",
    "aria-controls": plain ? null : list, "data-tour": plain ? null : "composer",
  });
  const options = h("ul", { id: list, class: "suggestions", role: "listbox", "aria-label": "Completions", hidden: true });
  const hint = h("p", { class: "composer-hint" });
  const button = h("button", { type: "submit", class: "icon-button send", "aria-label": "Send" }, icon("send"));
  const node = h("form", {
    class: "composer",
    onsubmit: (event) => {
      event.preventDefault();
      go();
    },
  }, options, h("div", { class: "composer-box" }, field, button), plain ? null : hint);

  let found = [], at = -1;

  function close() {
    found = [];
    at = -1;
    options.hidden = true;
    options.replaceChildren();
    field.setAttribute("aria-expanded", "false");
    field.removeAttribute("aria-activedescendant");
  }

  function suggest() {
    grow();
    if (plain) return;
    const { commands, ids } = grammar();
    const before = field.value.slice(0, field.selectionStart);
    const got = complete(commands, ids, before);
    found = got.options;
    at = -1;
    fill(hint, got.usage ? [h("code", null, got.usage), got.about ? " " + got.about : ""] : "");
    if (!found.length) return close();
    fill(options, found.map((o, i) => h("li", {
      id: `${list}-${i}`, role: "option", "aria-selected": "false",
      onmousedown: (event) => event.preventDefault(), onclick: () => take(i),
    }, h("span", { class: "suggestion-text" }, o.label), o.about && h("span", { class: "suggestion-about" }, o.about))));
    options.hidden = false;
    field.setAttribute("aria-expanded", "true");
    field.removeAttribute("aria-activedescendant");
  }

  function move(to) {
    options.children[at]?.setAttribute("aria-selected", "false");
    at = (to + found.length) % found.length;
    const row = options.children[at];
    row.setAttribute("aria-selected", "true");
    row.scrollIntoView({ block: "nearest" });
    field.setAttribute("aria-activedescendant", row.id);
  }

  function take(i) {
    const o = found[i];
    const caret = field.selectionStart;
    field.setRangeText(o.insert, caret - o.replace, caret, "end");
    field.focus();
    suggest();
  }

  async function go() {
    const text = field.value;
    if (!text.trim() || button.disabled) return;
    close();
    button.disabled = true;
    field.readOnly = true;
    try {
      if (await send(text)) set("");
    } finally {
      button.disabled = false;
      field.readOnly = false;
      grow();
    }
  }

  function set(text) {
    field.value = text;
    field.setSelectionRange(text.length, text.length);
    close();
    fill(hint);
    grow();
  }

  function grow() {
    field.style.height = "auto";
    field.style.height = Math.min(field.scrollHeight, 160) + "px";
  }

  field.addEventListener("input", suggest);
  field.addEventListener("blur", close);
  field.addEventListener("keydown", (event) => {
    const open = !options.hidden;
    if (event.isComposing) return;
    if (open && event.key === "ArrowDown") move(at + 1);
    else if (open && event.key === "ArrowUp") move(at < 0 ? -1 : at - 1);
    else if (open && event.key === "Escape") close();
    else if (open && event.key === "Tab" && !event.shiftKey) take(Math.max(at, 0));
    else if (open && event.key === "Enter" && at >= 0 && !event.shiftKey) take(at);
    else if (event.key === "Enter" && !event.shiftKey) go();
    else return;
    event.preventDefault();
  });
  return { node, field, set, text: () => field.value, place: (words) => {
    field.placeholder = words;
    field.setAttribute("aria-label", words);
  } };
}

// words splits what was typed at blanks that stand outside quotes. The last one
// is still being typed and may be empty.
export function words(text) {
  const all = [""];
  let quote = "";
  for (const c of text) {
    if (quote) {
      if (c === quote) quote = "";
    } else if (c === '"' || c === "'") quote = c;
    else if (/\s/.test(c)) {
      if (all.at(-1) !== "") all.push("");
      continue;
    }
    all[all.length - 1] += c;
  }
  return all;
}

// complete says what could stand at the end of the text before the caret.
export function complete(commands, ids, before) {
  if (!before.startsWith("/")) return { options: [] };
  const typed = words(before);
  const last = typed.at(-1);
  const offer = (list, from = last) => list
    .filter((o) => o.text.toLowerCase().startsWith(from.toLowerCase()) && o.text !== from)
    .map((o) => ({ label: o.text, about: o.about, insert: o.text + (/[="]$/.test(o.text) ? "" : " "), replace: from.length }));
  if (typed.length === 1) return { options: offer(commands.map((c) => ({ text: c.name, about: c.about }))) };
  const command = commands.find((c) => c.name === typed[0]);
  if (!command) return { options: [] };
  if (typed.length === 2) return { options: offer(command.verbs), usage: "", about: "" };
  const verb = command.verbs.find((v) => v.text === typed[1]);
  if (!verb) return { options: [] };
  const line = { usage: `${verb.text} ${verb.usage ?? ""}`.trim(), about: verb.about };
  if (verb.ids) return { ...line, options: typed.length === 3 ? offer(ids) : [] };

  let args = verb.args ?? [];
  const used = typed.slice(2, -1);
  for (const w of used) {
    const turn = args.find((a) => a.text === w && a.after);
    if (turn) args = turn.after;
  }
  const left = args.filter((a) => !used.some((w) => /=$/.test(a.text) ? w.startsWith(a.text) : w === a.text));
  const valued = args.find((a) => /=$/.test(a.text) && last.startsWith(a.text));
  if (valued) {
    const list = (valued.values ?? []).map((v) => ({ text: v }));
    const part = last.slice(valued.text.length);
    const piece = valued.text === "role=" ? part.split(",").at(-1) : part;
    return { ...line, options: offer(list, piece) };
  }
  return { ...line, options: offer(left) };
}
