// Messages, in order, each drawn again only when it changed.
import { avatar, h, icon } from "./dom.js";
import { messageBody } from "./blocks.js";
import { clock, dayName } from "./text.js";
import { sizeText } from "./files.js";

export const at = (ts) => new Date(Number(ts) * 1000);

const together = 5 * 60e3; // messages of one author within this time stand together

// A List draws messages into a place.
export class List {
  // doing has press(message, block, element, option, button), openFile(message, file) and
  // openThread(message), the last only where there are threads.
  constructor(place, doing) {
    this.place = place;
    this.doing = doing;
    this.drawn = new Map(); // by key: { sign, node }
  }

  // show draws messages; replies(message) gives the answers in its thread.
  show(env, messages, replies) {
    const rows = [];
    let before = null;
    for (const m of messages) {
      const newDay = !before || dayName(env, at(before.ts)) !== dayName(env, at(m.ts));
      if (newDay) rows.push({ key: "day " + m.ts, sign: dayName(env, at(m.ts)), make: () => dayNode(env, m) });
      const follows = !newDay && before.from === m.from && !before.only && !m.only && at(m.ts) - at(before.ts) < together;
      const answers = replies?.(m) ?? [];
      rows.push({
        key: m.ts, sign: JSON.stringify([m, follows, answers.map((a) => [a.ts, a.from]), env.me]),
        make: () => this.row(env, m, follows, answers),
      });
      before = m;
    }
    this.reconcile(rows);
  }

  reconcile(rows) {
    const keep = new Map();
    let here = this.place.firstChild;
    for (const { key, sign, make } of rows) {
      const old = this.drawn.get(key);
      let node = old?.node;
      if (!old || old.sign !== sign) {
        const fresh = make();
        if (node) {
          if (node === here) here = fresh;
          replace(node, fresh);
        }
        node = fresh;
      }
      if (node === here) here = here.nextSibling;
      else this.place.insertBefore(node, here);
      keep.set(key, { sign, node });
    }
    for (const [key, { node }] of this.drawn) if (!keep.has(key)) node.remove();
    this.drawn = keep;
  }

  row(env, m, follows, answers) {
    const who = env.people.get(m.from);
    const when = at(m.ts);
    const press = (block, element, option, button) => this.doing.press(m, block, element, option, button);
    return h("li", {
      class: ["message", follows && "follows", m.only && "only"].filter(Boolean).join(" "), "data-ts": m.ts, tabindex: "-1",
    },
      h("div", { class: "gutter" }, follows ? h("time", { class: "small-time", datetime: when.toISOString() }, clock(env, when)) : avatar(who)),
      h("div", { class: "said" },
        m.only && h("p", { class: "only-note" }, icon("eye"), "Only visible to you"),
        h("p", { class: follows ? "sr-only" : "byline" },
          h("strong", { class: "author" }, who?.real_name ?? m.from),
          who?.bot && h("span", { class: "tag" }, "App"),
          h("time", { datetime: when.toISOString(), title: when.toString() }, clock(env, when))),
        messageBody(env, m, press),
        m.edited && h("span", { class: m.tampered ? "edited tampered" : "edited" }, m.tampered ? "(edited by somebody else)" : "(edited)"),
        m.warned && h("p", { class: "warned", role: "note" }, icon("warning"), "Slack got no answer to that click. Press it again."),
        m.files?.map((f) => fileNode(f, () => this.doing.openFile(m, f))),
        answers.length > 0 && this.threadLink(env, m, answers)));
  }

  threadLink(env, m, answers) {
    const last = answers.at(-1);
    const authors = [...new Set(answers.map((a) => a.from))].slice(0, 3);
    return h("button", { type: "button", class: "thread-link", "data-tour": "thread", onclick: () => this.doing.openThread(m) },
      authors.map((id) => avatar(env.people.get(id))),
      h("span", { class: "thread-count" }, answers.length === 1 ? "1 reply" : `${answers.length} replies`),
      h("span", { class: "thread-last" }, `last ${dayName(env, at(last.ts)).toLowerCase()} at ${clock(env, at(last.ts))}`));
  }
}

// replace swaps a row and keeps the focus where it was: on the same button, or
// on the row when the button is gone.
function replace(old, fresh) {
  const focused = old.contains(document.activeElement) ? document.activeElement : null;
  old.replaceWith(fresh);
  if (!focused) return;
  const same = focused.dataset.action && fresh.querySelector(`[data-action="${CSS.escape(focused.dataset.action)}"]`);
  const link = focused.classList.contains("thread-link") && fresh.querySelector(".thread-link");
  (same || link || fresh).focus({ preventScroll: true });
}

function dayNode(env, m) {
  return h("li", { class: "day" }, h("span", null, dayName(env, at(m.ts))));
}

function fileNode(f, open) {
  return h("button", { type: "button", class: "file", "data-tour": "file", "data-file": f.id, onclick: open },
    h("span", { class: "file-icon" }, icon(/\.csv$/i.test(f.name) ? "table" : "file")),
    h("span", { class: "file-words" }, h("span", { class: "file-label" }, f.name), h("span", { class: "file-size" }, sizeText(f.size) + " · open")));
}
