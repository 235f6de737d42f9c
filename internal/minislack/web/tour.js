// "Try this": a few steps that tick themselves, and the levers.
import { fill, h, icon } from "./dom.js";

// tourNode draws the steps. doing has go(step), restart() and hide().
export function drawTour(place, steps, open, doing) {
  const now = steps.findIndex((s) => !s.done);
  const done = steps.filter((s) => s.done).length;
  const over = now < 0;
  fill(place,
    h("header", { class: "tour-head" },
      h("button", { type: "button", class: "tour-toggle", "aria-expanded": String(open), onclick: doing.toggle },
        h("strong", null, over ? "You have seen it all" : "Try this"),
        h("span", { class: "tour-count" }, `${done} of ${steps.length}`),
        h("span", { class: "tour-brief" }, over ? "" : steps[now].title))),
    h("progress", { class: "tour-progress", max: String(steps.length), value: String(done), "aria-label": "Steps done" }),
    open && h("ol", { class: "tour-steps" }, steps.map((s, i) => h("li", {
      class: s.done ? "done" : i === now ? "now" : "", "aria-current": i === now ? "step" : null,
    },
      h("span", { class: "tick" }, s.done ? icon("check") : String(i + 1)),
      h("div", { class: "tour-words" },
        h("span", { class: "tour-title" }, s.title, s.done && h("span", { class: "sr-only" }, " (done)")),
        i === now && [h("p", null, s.text), h("button", { type: "button", class: "button small primary", onclick: () => doing.go(s) }, s.who && doing.name(s.who) ? `As ${doing.name(s.who)}: show me` : "Show me")])))),
    open && over && h("button", { type: "button", class: "button small", onclick: doing.restart }, "Start again"));
}

// leversNode draws the fault levers. pull(lever) returns a promise.
export function leversNode(levers, sockets, pull) {
  const groups = [...new Set(levers.map((l) => l.group))];
  return h("div", { class: "levers" },
    h("p", { class: "levers-note" }, "Break something and watch what happens to a request. ",
      h("span", { class: "sockets" }, `Slack sees ${sockets} open ${sockets === 1 ? "socket" : "sockets"} of the bot.`)),
    groups.map((g) => h("section", { class: "lever-group" }, h("h3", null, g), levers.filter((l) => l.group === g).map((l) => h("div", { class: l.broken ? "lever broken" : "lever" },
      h("div", { class: "lever-words" },
        h("p", { class: "lever-status" }, h("span", { class: "dot", "aria-hidden": "true" }), l.status || "Ready"),
        h("p", { class: "lever-about" }, l.about)),
      h("button", {
        type: "button", class: "button small", "data-tour": "lever:" + l.name, "data-lever": l.name,
        onclick: async (event) => {
          const b = event.currentTarget;
          b.disabled = true;
          await pull(l);
          b.disabled = false;
        },
      }, l.label))))));
}

// spot lights up what a step is about, until it is used or some seconds passed.
export function spot(e) {
  document.querySelectorAll(".spot").forEach((old) => old.classList.remove("spot"));
  if (!e) return;
  e.classList.add("spot");
  e.scrollIntoView({ block: "nearest" });
  const off = () => e.classList.remove("spot");
  e.addEventListener("click", off, { once: true });
  e.addEventListener("input", off, { once: true });
  setTimeout(off, 8000);
}
