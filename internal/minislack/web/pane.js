// The pane at the right: a thread, or the levers.
import { byID, fill, h, icon } from "./dom.js";
import { List } from "./chat.js";
import { composer } from "./composer.js";
import { toast } from "./toast.js";
import { leversNode } from "./tour.js";
import { call, channelName, message, repliesTo, say, told, world } from "./world.js";

let shows = ""; // "thread", "levers" or nothing
let thread = "", replies = null;

export const paneIsOpen = () => shows !== "";

function open(what, label) {
  shows = what;
  const p = byID("pane");
  p.hidden = false;
  p.setAttribute("aria-label", label);
  byID("app").classList.add("with-pane");
  byID("app").classList.toggle("with-levers", what === "levers");
  byID("open-levers").setAttribute("aria-expanded", String(what === "levers"));
}

export function closePane() {
  const was = shows, ts = thread;
  shows = thread = "";
  byID("pane").hidden = true;
  fill(byID("pane"));
  byID("app").classList.remove("with-pane", "with-levers");
  byID("open-levers").setAttribute("aria-expanded", "false");
  const back = was === "levers" ? byID("open-levers") : document.querySelector(`[data-ts="${ts}"] .thread-link`);
  back?.focus();
}

// closeThread closes a thread; the levers may stay.
export function closeThread() {
  if (shows === "thread") closePane();
}

function head(title, note) {
  return h("header", { class: "bar pane-bar" },
    h("h2", { class: "bar-title" }, title), note && h("span", { class: "bar-note" }, note), h("span", { class: "bar-room" }),
    h("button", { type: "button", class: "icon-button", "aria-label": "Close " + title.toLowerCase(), onclick: closePane }, icon("close")));
}

const body = (label, ...inside) => h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": label }, inside);

// openThread shows a thread; doing is what can be done with its messages.
export function openThread(ts, doing) {
  thread = ts;
  const place = h("ol", { class: "messages", "aria-label": "Thread" });
  replies = new List(place, doing);
  const reply = composer({
    id: "reply", placeholder: "Reply…", plain: true,
    send: async (text) => {
      if (text.startsWith("/")) {
        toast("Slack does not take commands in threads. Type it in the channel.", "bad");
        return false;
      }
      return say(text, ts);
    },
  });
  open("thread", "Thread");
  const c = world.env.channels.get(world.channel);
  const bar = head("Thread", (c.dm ? "" : "# ") + channelName(c));
  fill(byID("pane"), bar, body("Messages of the thread", place), h("div", { class: "composer-place" }, reply.node));
  drawThread();
  bar.querySelector("button").focus();
  call("opened", { channel: world.channel, ts, text: "thread" });
}

// drawThread draws the thread that is open, if one is; its channel may be another
// one now.
export function drawThread() {
  if (shows !== "thread") return;
  const parent = message(world.channel, thread);
  if (!parent) return closePane();
  const place = byID("pane").querySelector(".scroll");
  const stick = place.scrollHeight - place.scrollTop - place.clientHeight < 80;
  replies.show(world.env, [parent, ...repliesTo(world.channel)(parent)], null);
  if (stick) place.scrollTop = place.scrollHeight;
}

export function toggleLevers() {
  if (shows === "levers") return closePane();
  thread = "";
  open("levers", "Levers");
  fill(byID("pane"), head("Levers"), body("Levers", h("div", { id: "levers" })));
  drawLevers();
  byID("pane").querySelector("button").focus();
}

export function showLevers() {
  if (shows !== "levers") toggleLevers();
}

export function drawLevers() {
  const { levers, sockets } = world.state.extras;
  byID("open-levers").hidden = levers.length === 0;
  byID("open-levers").classList.toggle("broken", levers.some((l) => l.broken));
  const place = byID("levers");
  if (!place) return;
  const focused = document.activeElement?.dataset?.lever;
  fill(place, leversNode(levers, sockets, pull));
  if (focused) place.querySelector(`[data-lever="${CSS.escape(focused)}"]`)?.focus();
}

export async function pull(lever) {
  told(await call(`lever/${lever.name}?as=${world.env.me}`, {}));
}
