// The page: what is on the screen, who sits at the keyboard, what happens.
import { avatar, byID, fill, h, icon } from "./dom.js";
import { List } from "./chat.js";
import { composer } from "./composer.js";
import { view as viewFile } from "./files.js";
import { Form, ask } from "./forms.js";
import { clock, spoken } from "./text.js";
import { onTheme, toggleTheme } from "./theme.js";
import { toast } from "./toast.js";
import { drawTour, leversNode, spot } from "./tour.js";

// What the server told, and what is open. env is what drawing needs of it.
let state, env;
const rooms = new Map(); // by channel: Map of messages by ts
let channel = "", thread = "", pane = "", stream = null, tourOpen = !narrow(), tourAt = -1;
const drafts = new Map();

function narrow() {
  return matchMedia("(max-width: 820px)").matches;
}

// ---- Talking to the server

async function call(name, what) {
  try {
    const answer = await fetch("/web/" + name, {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ as: env.me, ...what }),
    });
    if (!answer.ok) throw new Error(await answer.text());
    return await answer.json();
  } catch (e) {
    return { error: "The workspace cannot be reached: " + e.message, kind: "unreachable" };
  }
}

// told shows what Slack says about a failure, in the words of its own client and
// some that explain them.
function told(answer) {
  const why = {
    operation_timeout: "Slack waited three seconds for the bot and got no answer.",
    dispatch_failed: "No bot is connected to Slack right now.",
    warned: "Slack got no answer to that click. Press it again.",
  }[answer.kind];
  if (answer.error) toast(answer.kind === "warned" ? why : [answer.error + ".", why].filter(Boolean).join(" ").replace("..", "."), "bad");
  return !answer.error;
}

async function sitDown(who, where) {
  const answer = await fetch("/web/state?as=" + encodeURIComponent(who));
  if (!answer.ok) throw new Error(await answer.text());
  state = await answer.json();
  const by = (list) => new Map(list.map((x) => [x.id, x]));
  env = { me: state.me, people: by(state.people), groups: by(state.groups), channels: by(state.channels), jump };
  env.tz = env.people.get(env.me).tz;
  state.people.forEach((p, i) => { p.tint = i; });
  rooms.clear();
  for (const c of state.channels) rooms.set(c.id, new Map());
  for (const m of state.messages) rooms.get(m.channel)?.set(m.ts, m);
  for (const c of state.channels) if (localStorage.getItem(readKey(c.id)) === null) markRead(c.id);
  channel = env.channels.has(where) ? where : state.channels[0]?.id ?? "";
  if (thread && !rooms.get(channel)?.has(thread)) closePane();
  document.title = state.title || state.team;
  fill(byID("title"), state.title || state.team);
  fill(byID("team"), state.title ? state.team : "");
  listen();
  drawAll();
  toBottom();
}

function listen() {
  stream?.close();
  stream = new EventSource(`/web/feed?as=${env.me}&after=${state.n}`);
  const offline = byID("offline");
  stream.onopen = () => { offline.hidden = true; };
  stream.onerror = () => {
    offline.textContent = "The connection to the workspace is lost. Trying again…";
    offline.hidden = false;
  };
  stream.addEventListener("happened", (event) => happened(JSON.parse(event.data)));
  stream.addEventListener("extras", (event) => {
    state.extras = JSON.parse(event.data);
    drawExtras();
  });
}

// A page that nobody looks at lets go of its connection: a browser has only a
// few of them for one host, and people open a window for each person.
document.addEventListener("visibilitychange", () => {
  if (!state) return;
  if (document.hidden) stream?.close();
  else listen();
});

function happened(e) {
  state.n = Math.max(state.n, e.n);
  if (e.message) {
    const room = rooms.get(e.channel) ?? rooms.set(e.channel, new Map()).get(e.channel);
    const fresh = !room.has(e.ts);
    if (e.kind === "deleted") room.delete(e.ts);
    else room.set(e.ts, e.message);
    if (fresh && e.message.from !== env.me) announce(e.message);
    changed(e.channel);
  } else if (e.kind.startsWith("view")) form.show(env, e.view);
}

// announce reads a new message to those who do not see it.
function announce(m) {
  const who = env.people.get(m.from)?.real_name ?? "";
  byID("announcer").textContent = `${who}: ${spoken(env, m.text)}`;
}

// ---- Unread messages, as each person left them

const readKey = (c) => `read ${env.me} ${c}`;

function unread(c) {
  const seen = localStorage.getItem(readKey(c));
  if (seen === null) return 0;
  return top(c).filter((m) => m.ts > seen && m.from !== env.me).length;
}

function markRead(c) {
  const last = top(c).at(-1);
  localStorage.setItem(readKey(c), last ? last.ts : "0");
}

// ---- Messages

const sorted = (c) => [...(rooms.get(c)?.values() ?? [])].sort((a, b) => (a.ts < b.ts ? -1 : 1));
const top = (c) => sorted(c).filter((m) => !m.thread || m.thread === m.ts);
const repliesTo = (c) => (m) => sorted(c).filter((r) => r.thread === m.ts && r.ts !== m.ts);

const doing = {
  press: async (m, block, element, option, button) => {
    if (element.confirm && !(await ask(env, element.confirm))) {
      button?.focus();
      return;
    }
    button?.setAttribute("aria-busy", "true");
    told(await call("click", { channel: m.channel, ts: m.ts, block: block.block_id, action: element.action_id, option: option?.value ?? "" }));
    button?.removeAttribute("aria-busy");
  },
  openFile: (m, f) => {
    call("opened", { channel: m.channel, ts: m.ts, text: f.name });
    viewFile(f, `/web/file/${f.id}?as=${env.me}`);
  },
  openThread: (m) => openThread(m.ts),
};

const list = new List(byID("messages"), doing);

function changed(c) {
  drawChannels();
  if (c !== channel) return;
  const stick = atBottom();
  drawMessages();
  if (stick) toBottom();
  else byID("news").hidden = atBottom();
  if (pane === "thread") drawThread();
}

function drawMessages() {
  const all = top(channel);
  list.show(env, all, repliesTo(channel));
  byID("scroll").classList.toggle("empty", all.length === 0);
  markRead(channel);
}

// jump leads to a message, in its thread if it has one.
function jump(c, ts) {
  if (!env.channels.has(c)) return;
  if (c !== channel) go(c);
  const m = rooms.get(c)?.get(ts);
  if (m?.thread && m.thread !== ts) openThread(m.thread);
  const place = document.querySelector(`.messages [data-ts="${CSS.escape(ts)}"]`);
  place?.focus({ preventScroll: true });
  place?.scrollIntoView({ block: "start" });
  spot(place);
}

const scroll = byID("scroll");
const atBottom = () => scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 80;

function toBottom() {
  scroll.scrollTop = scroll.scrollHeight;
  byID("news").hidden = true;
}

scroll.addEventListener("scroll", () => { if (atBottom()) byID("news").hidden = true; });
byID("news").addEventListener("click", toBottom);

// ---- Writing

const grammar = () => ({ commands: state.commands ?? [], ids: idsSeen() });

// idsSeen are the things worth completing that stand in messages, newest first.
function idsSeen() {
  if (!state.ids) return [];
  const pattern = new RegExp(state.ids, "g");
  const found = new Map();
  for (const m of top(channel).reverse()) {
    for (const [, id] of (m.text + JSON.stringify(m.blocks ?? "")).matchAll(pattern)) {
      if (!found.has(id)) found.set(id, { text: id, about: spoken(env, m.text).slice(0, 70) });
    }
  }
  return [...found.values()];
}

async function send(text) {
  const line = text.trim();
  const command = /^(\/[\w-]+)(?:\s+([\s\S]*))?$/.exec(line);
  if (command) return told(await call("slash", { channel, command: command[1], text: command[2] ?? "" }));
  const ok = told(await call("say", { channel, text: encodeTyped(line) }));
  toBottom();
  return ok;
}

// encodeTyped is what a client does to what people type: a mention is written
// out only when it names somebody.
function encodeTyped(text) {
  return text.replace(/(^|\s)@([\w.-]+)/g, (whole, before, name) => {
    const p = state.people.find((x) => x.name === name);
    return p ? `${before}<@${p.id}>` : whole;
  });
}

const main = composer({ id: "composer", placeholder: "Message", grammar, send });
byID("composer-place").append(main.node);

const form = new Form({
  submit: (values) => call("submit", { values }),
  close: () => call("close", {}),
  press: async (block, element, option) => {
    if (element.confirm && !(await ask(env, element.confirm))) return;
    told(await call("press", { block: block.block_id, action: element.action_id, option: option?.value ?? "" }));
  },
  upload: async (file) => {
    const answer = await fetch(`/web/upload?as=${env.me}&name=${encodeURIComponent(file.name)}`, { method: "POST", body: file });
    if (!answer.ok) throw new Error(await answer.text());
    return (await answer.json()).id;
  },
});

// ---- The pane at the right: a thread, or the levers

function openPane(what, label) {
  pane = what;
  const p = byID("pane");
  p.hidden = false;
  p.setAttribute("aria-label", label);
  byID("app").classList.add("with-pane");
  byID("open-levers").setAttribute("aria-expanded", String(what === "levers"));
}

function closePane() {
  const was = pane, ts = thread;
  pane = thread = "";
  byID("pane").hidden = true;
  fill(byID("pane"));
  byID("app").classList.remove("with-pane");
  byID("open-levers").setAttribute("aria-expanded", "false");
  const back = was === "levers" ? byID("open-levers") : document.querySelector(`[data-ts="${ts}"] .thread-link`);
  back?.focus();
}

function paneHead(title, note) {
  return h("header", { class: "bar pane-bar" },
    h("h2", { class: "bar-title" }, title), note && h("span", { class: "bar-note" }, note), h("span", { class: "bar-room" }),
    h("button", { type: "button", class: "icon-button", "aria-label": "Close " + title.toLowerCase(), onclick: closePane }, icon("close")));
}

let threadList = null;

function openThread(ts) {
  thread = ts;
  const place = h("ol", { class: "messages", "aria-label": "Thread" });
  threadList = new List(place, doing);
  const reply = composer({
    id: "reply", placeholder: "Reply…", plain: true,
    send: async (text) => {
      if (text.startsWith("/")) {
        toast("Slack does not take commands in threads. Type it in the channel.", "bad");
        return false;
      }
      return told(await call("say", { channel, thread: ts, text: encodeTyped(text.trim()) }));
    },
  });
  openPane("thread", "Thread");
  const close = paneHead("Thread", channelName(env.channels.get(channel)));
  fill(byID("pane"), close, h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Messages of the thread" }, place), h("div", { class: "composer-place" }, reply.node));
  drawThread();
  close.querySelector("button").focus();
  call("opened", { channel, ts, text: "thread" });
}

function drawThread() {
  const parent = rooms.get(channel)?.get(thread);
  if (!parent) return;
  const place = byID("pane").querySelector(".scroll");
  const stick = place.scrollHeight - place.scrollTop - place.clientHeight < 80;
  threadList.show(env, [parent, ...repliesTo(channel)(parent)], null);
  if (stick) place.scrollTop = place.scrollHeight;
}

function openLevers() {
  if (pane === "levers") return closePane();
  thread = "";
  openPane("levers", "Levers");
  fill(byID("pane"), paneHead("Levers"), h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Levers" }, h("div", { id: "levers" })));
  drawExtras();
  byID("pane").querySelector("button").focus();
}

async function pull(lever) {
  told(await call(`lever/${lever.name}?as=${env.me}`, {}));
}

function drawExtras() {
  const { levers, tour, sockets } = state.extras;
  const step = tour.findIndex((s) => !s.done);
  if (step !== tourAt) spot(null);
  tourAt = step;
  byID("open-levers").hidden = levers.length === 0;
  byID("open-levers").classList.toggle("broken", levers.some((l) => l.broken));
  const place = document.getElementById("levers");
  if (place) {
    const focused = document.activeElement?.dataset?.lever;
    fill(place, leversNode(levers, sockets, pull));
    if (focused) place.querySelector(`[data-lever="${CSS.escape(focused)}"]`)?.focus();
  }
  drawSteps(tour);
}

let drawnSteps = "";

function drawSteps(tour) {
  const sign = JSON.stringify([tour, tourOpen]);
  if (sign === drawnSteps) return;
  drawnSteps = sign;
  byID("tour").hidden = tour.length === 0;
  const hadFocus = byID("tour").contains(document.activeElement);
  drawTour(byID("tour"), tour, tourOpen, {
    go: goTo, restart: () => call("tour", {}), name: (n) => state.people.find((p) => p.name === n)?.real_name.split(" ")[0],
    toggle: () => {
      tourOpen = !tourOpen;
      drawExtras();
    },
  });
  if (hadFocus) byID("tour").querySelector("button")?.focus();
}

// goTo makes a step of the tour one press away: the right person, the words in
// the field, and what to press lit up.
async function goTo(step) {
  const who = state.people.find((p) => p.name === step.who);
  const room = state.channels.find((c) => !c.dm)?.id ?? channel;
  if (who && who.id !== env.me) await sitDown(who.id, room);
  else if (channel !== room) go(room);
  if (narrow()) {
    tourOpen = false;
    drawExtras();
    menu(false);
  }
  const lever = state.extras.levers.find((l) => l.name === step.pull);
  if (lever && !lever.broken) await pull(lever);
  if (step.type) {
    main.set(step.type);
    main.field.focus();
  }
  if (step.point.startsWith("lever:") && pane !== "levers") openLevers();
  const all = document.querySelectorAll(`[data-tour="${CSS.escape(step.point)}"]`);
  const e = [...all].at(-1);
  if (!e) return;
  if (!step.type) e.focus();
  spot(e.matches("textarea") ? e.parentElement : e);
}

// ---- The side: people, channels, other pages

const channelName = (c) => (c.dm ? [...env.people.values()].find((p) => p.bot)?.real_name ?? "Bot" : "# " + c.name);

function drawPeople() {
  const all = state.people.filter((p) => !p.bot);
  fill(byID("people"), all.map((p) => h("label", { class: "person", title: [p.real_name, p.role].filter(Boolean).join(" · ") },
    h("input", { type: "radio", name: "me", value: p.id, checked: p.id === env.me, class: "sr-only", onchange: () => sitDown(p.id, channel).then(() => byID("people").querySelector(":checked")?.focus()) }),
    avatar(p), h("span", { class: "person-name" }, p.real_name.split(" ")[0]))));
  const me = env.people.get(env.me);
  fill(byID("people-hint"), h("span", null, h("strong", null, me.real_name), me.role && " " + me.role),
    h("span", { class: "people-zone" }, `${me.tz.split("/").at(-1).replaceAll("_", " ")}, ${clock(env, new Date())}`));
}

function drawChannels() {
  fill(byID("channels"), state.channels.map((c) => {
    const n = c.id === channel ? 0 : unread(c.id);
    return h("li", null, h("button", {
      type: "button", class: n ? "channel unread" : "channel", "aria-current": c.id === channel ? "page" : null, onclick: () => go(c.id),
    }, icon(c.dm ? "person" : c.private ? "lock" : "hash"), h("span", null, c.dm ? channelName(c) : c.name), n > 0 && h("span", { class: "badge" }, String(n), h("span", { class: "sr-only" }, " unread"))));
  }));
  fill(byID("links"), (state.links ?? []).map((l) => h("li", null, h("a", { class: "channel", href: l.href, target: "_blank", title: l.about }, icon(l.href.includes("gallery") ? "gallery" : "table"), h("span", null, l.label)))));
  byID("links-label").hidden = !(state.links ?? []).length;
}

function go(c) {
  drafts.set(channel, main.text());
  channel = c;
  if (pane === "thread") closePane();
  drawAll();
  main.set(drafts.get(c) ?? "");
  toBottom();
  menu(false);
}

function drawAll() {
  history.replaceState(null, "", `#${env.people.get(env.me).name}/${channel}`);
  const c = env.channels.get(channel);
  fill(byID("channel-name"), c ? [icon(c.dm ? "person" : c.private ? "lock" : "hash"), h("span", null, c.dm ? channelName(c) : c.name)] : "");
  fill(byID("channel-note"), c && !c.dm ? `${c.members} members` : "");
  main.place(c ? (c.dm ? `Message ${channelName(c)}` : narrow() ? "Message, or / for commands" : `Message #${c.name}, or type / for commands`) : "Message");
  drawPeople();
  drawMessages();
  drawChannels();
  drawExtras();
  if (pane === "thread") drawThread();
  form.show(env, null);
  form.show(env, state.view);
  state.view = null;
}

function menu(open) {
  byID("app").classList.toggle("menu-open", open);
  byID("scrim").hidden = !open;
  byID("open-side").setAttribute("aria-expanded", String(open));
  if (!narrow()) return;
  byID("side").inert = !open;
  if (open) byID("close-side").focus();
}

// ---- Begin

fill(byID("open-side"), icon("menu"));
fill(byID("close-side"), icon("close"));
fill(byID("open-levers"), icon("bolt"), h("span", null, "Levers"));
byID("open-side").addEventListener("click", () => menu(true));
byID("close-side").addEventListener("click", () => { menu(false); byID("open-side").focus(); });
byID("scrim").addEventListener("click", () => menu(false));
byID("open-levers").addEventListener("click", openLevers);
byID("theme").addEventListener("click", toggleTheme);
onTheme((theme) => {
  fill(byID("theme"), icon(theme === "dark" ? "sun" : "moon"));
  byID("theme").setAttribute("aria-label", theme === "dark" ? "Switch to light" : "Switch to dark");
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || document.querySelector("dialog[open]") || event.defaultPrevented) return;
  if (byID("app").classList.contains("menu-open")) byID("close-side").click();
  else if (pane) closePane();
});
const narrowly = matchMedia("(max-width: 820px)");
const fit = () => { byID("side").inert = narrowly.matches && !byID("app").classList.contains("menu-open"); };
narrowly.addEventListener("change", () => {
  tourOpen = !narrow();
  fit();
  if (state) drawAll();
});
fit();
setInterval(() => state && drawPeopleClock(), 20e3);

function drawPeopleClock() {
  const zone = byID("people-hint").querySelector(".people-zone");
  if (zone) zone.textContent = `${env.tz.split("/").at(-1).replaceAll("_", " ")}, ${clock(env, new Date())}`;
}

const [who, where] = location.hash.slice(1).split("/");
sitDown(who, where).catch((e) => {
  byID("offline").hidden = false;
  byID("offline").textContent = "The workspace cannot be reached: " + e.message;
});
