// The page: who sits at the keyboard, in which channel, and what happens there.
import { byID, fill, h, icon } from "./dom.js";
import { composer } from "./composer.js";
import { Form, ask } from "./forms.js";
import { drawGuide, unfold } from "./guide.js";
import { closePane, closeThread, drawLevers, drawThread, paneIsOpen, toggleLevers } from "./pane.js";
import { drawMessages, follow, showMessage, toBottom } from "./room.js";
import { closeMenu, drawChannels, drawPeople, iconOf, menu, narrow, onNarrow } from "./side.js";
import { spoken } from "./text.js";
import { onTheme, toggleTheme } from "./theme.js";
import { arrive, call, channelName, keep, say, told, top, world } from "./world.js";

let stream = null;
const drafts = new Map(); // by channel: what was being written

// ---- Who, and where

async function sitDown(who, where) {
  await arrive(who, jump);
  const { state, env } = world;
  world.channel = env.channels.has(where) ? where : state.channels[0]?.id ?? "";
  document.title = state.title || state.team;
  fill(byID("title"), state.title || state.team);
  fill(byID("team"), state.title ? state.team : "");
  listen();
  drawAll();
  form.show(world.env, null);
  form.show(world.env, state.view);
  toBottom();
}

function go(c) {
  drafts.set(world.channel, main.text());
  world.channel = c;
  closeThread();
  drawAll();
  main.set(drafts.get(c) ?? "");
  toBottom();
  menu(false);
}

// jump leads to a message of any channel.
function jump(c, ts) {
  if (!world.env.channels.has(c)) return;
  if (c !== world.channel) go(c);
  showMessage(ts);
}

function drawAll() {
  const { state, env, channel } = world;
  history.replaceState(null, "", `#${env.people.get(env.me).name}/${channel}`);
  const c = env.channels.get(channel);
  fill(byID("channel-name"), c ? [iconOf(c), h("span", null, channelName(c))] : "");
  fill(byID("channel-note"), c && !c.dm ? `${c.members} members` : "");
  main.place(placeholder(c));
  drawPeople(sitDown);
  drawMessages();
  drawChannels(go);
  drawExtras();
  drawThread();
}

function placeholder(c) {
  if (!c) return "Message";
  if (c.dm) return `Message ${channelName(c)}`;
  return narrow() ? "Message, or / for commands" : `Message #${c.name}, or type / for commands`;
}

function drawExtras() {
  drawLevers();
  drawGuide({
    sitDown, go, write: (text) => {
      main.set(text);
      main.field.focus();
    },
  });
}

// ---- What happens

function listen() {
  stream?.close();
  stream = new EventSource(`/web/feed?as=${world.env.me}&after=${world.state.n}`);
  const offline = byID("offline");
  stream.onopen = () => { offline.hidden = true; };
  stream.onerror = () => {
    offline.textContent = "The connection to the workspace is lost. Trying again…";
    offline.hidden = false;
  };
  stream.addEventListener("happened", (event) => happened(JSON.parse(event.data)));
  stream.addEventListener("extras", (event) => {
    world.state.extras = JSON.parse(event.data);
    drawExtras();
  });
}

// A page that nobody looks at lets go of its connection: a browser has only a
// few of them for one host, and people open a window for each person.
document.addEventListener("visibilitychange", () => {
  if (!world.state) return;
  if (document.hidden) stream?.close();
  else listen();
});

function happened(e) {
  world.state.n = Math.max(world.state.n, e.n);
  if (e.message) {
    const fresh = keep(e);
    if (fresh && e.message.from !== world.env.me) announce(e.message);
    if (e.channel === world.channel) {
      follow(fresh && top(world.channel).includes(e.message));
      drawThread();
    }
    drawChannels(go);
  } else if (e.kind.startsWith("view")) form.show(world.env, e.view);
}

// announce reads a new message to those who do not see it.
function announce(m) {
  const who = world.env.people.get(m.from)?.real_name ?? "";
  byID("announcer").textContent = `${who}: ${spoken(world.env, m.text)}`;
}

// ---- Writing

// idsSeen are the things worth completing that stand in messages, newest first.
function idsSeen() {
  if (!world.state.ids) return [];
  const pattern = new RegExp(world.state.ids, "g");
  const found = new Map();
  for (const m of top(world.channel).reverse()) {
    for (const [, id] of (m.text + JSON.stringify(m.blocks ?? "")).matchAll(pattern)) {
      if (!found.has(id)) found.set(id, { text: id, about: spoken(world.env, m.text).slice(0, 70) });
    }
  }
  return [...found.values()];
}

async function send(text) {
  const line = text.trim();
  const command = /^(\/[\w-]+)(?:\s+([\s\S]*))?$/.exec(line);
  if (command) return told(await call("slash", { channel: world.channel, command: command[1], text: command[2] ?? "" }));
  const ok = await say(line);
  toBottom();
  return ok;
}

const main = composer({
  id: "composer", placeholder: "Message", send, grammar: () => ({ commands: world.state.commands ?? [], ids: idsSeen() }),
});
byID("composer-place").append(main.node);

const form = new Form({
  submit: (values) => call("submit", { values }),
  close: () => call("close", {}),
  press: async (block, element, option) => {
    if (element.confirm && !(await ask(world.env, element.confirm))) return;
    told(await call("press", { block: block.block_id, action: element.action_id, option: option?.value ?? "" }));
  },
  upload: async (file) => {
    const answer = await fetch(`/web/upload?as=${world.env.me}&name=${encodeURIComponent(file.name)}`, { method: "POST", body: file });
    if (!answer.ok) throw new Error(await answer.text());
    return (await answer.json()).id;
  },
});

// ---- Begin

fill(byID("open-levers"), icon("bolt"), h("span", null, "Levers"));
byID("open-levers").addEventListener("click", toggleLevers);
byID("theme").addEventListener("click", toggleTheme);
onTheme((theme) => {
  fill(byID("theme"), icon(theme === "dark" ? "sun" : "moon"));
  byID("theme").setAttribute("aria-label", theme === "dark" ? "Switch to light" : "Switch to dark");
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || document.querySelector("dialog[open]") || event.defaultPrevented) return;
  if (!closeMenu() && paneIsOpen()) closePane();
});
onNarrow(() => {
  unfold(!narrow());
  if (world.state) drawAll();
});

const [who, where] = location.hash.slice(1).split("/");
sitDown(who, where).catch((e) => {
  byID("offline").hidden = false;
  byID("offline").textContent = "The workspace cannot be reached: " + e.message;
});
