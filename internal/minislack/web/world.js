// What the server told of the workspace, and what is asked of it.
import { toast } from "./toast.js";

// world is what is on the screen of one person. env is what drawing needs of it;
// rooms are the messages of each channel, by ts.
export const world = { state: null, env: null, rooms: new Map(), channel: "" };

const by = (list) => new Map(list.map((x) => [x.id, x]));

// arrive makes the world what the server says it is for somebody.
export async function arrive(who, jump) {
  const answer = await fetch("/web/state?as=" + encodeURIComponent(who));
  if (!answer.ok) throw new Error(await answer.text());
  const state = await answer.json();
  world.state = state;
  world.env = { me: state.me, people: by(state.people), groups: by(state.groups), channels: by(state.channels), jump };
  world.env.tz = world.env.people.get(state.me).tz;
  state.people.forEach((p, i) => { p.tint = i; });
  world.rooms.clear();
  for (const c of state.channels) world.rooms.set(c.id, new Map());
  for (const m of state.messages) world.rooms.get(m.channel)?.set(m.ts, m);
  for (const c of state.channels) if (localStorage.getItem(readKey(c.id)) === null) markRead(c.id);
}

// keep puts a message of the feed into its room, or takes it out, and reports
// whether it was not there before.
export function keep(e) {
  const room = world.rooms.get(e.channel) ?? world.rooms.set(e.channel, new Map()).get(e.channel);
  const fresh = !room.has(e.ts);
  if (e.kind === "deleted") room.delete(e.ts);
  else room.set(e.ts, e.message);
  return fresh;
}

// ---- Asking

export async function call(name, what) {
  try {
    const answer = await fetch("/web/" + name, {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ as: world.env.me, ...what }),
    });
    if (!answer.ok) throw new Error(await answer.text());
    return await answer.json();
  } catch (e) {
    return { error: "The workspace cannot be reached: " + e.message, kind: "unreachable" };
  }
}

// told shows what Slack says about a failure, in the words of its own client and
// some that explain them.
export function told(answer) {
  const why = {
    operation_timeout: "Slack waited three seconds for the bot and got no answer.",
    dispatch_failed: "No bot is connected to Slack right now.",
    warned: "Slack got no answer to that click. Press it again.",
    not_there: "This is not there any more: the message has changed meanwhile.",
  }[answer.kind];
  const alone = answer.kind === "warned" || answer.kind === "not_there"; // the sentence is enough
  if (answer.error) toast(alone ? why : [answer.error + ".", why].filter(Boolean).join(" ").replace("..", "."), "bad");
  return !answer.error;
}

// say posts what somebody typed, into a thread if there is one.
export async function say(text, thread) {
  return told(await call("say", { channel: world.channel, thread, text: encodeTyped(text.trim()) }));
}

// encodeTyped is what a client does to what people type: a mention is written
// out only when it names somebody.
function encodeTyped(text) {
  return text.replace(/(^|\s)@([\w.-]+)/g, (whole, before, name) => {
    const p = world.state.people.find((x) => x.name === name);
    return p ? `${before}<@${p.id}>` : whole;
  });
}

// ---- Messages of a channel, and who has read them

const sorted = (c) => [...(world.rooms.get(c)?.values() ?? [])].sort((a, b) => (a.ts < b.ts ? -1 : 1));

export const message = (c, ts) => world.rooms.get(c)?.get(ts);
export const top = (c) => sorted(c).filter((m) => !m.thread || m.thread === m.ts);
export const repliesTo = (c) => (m) => sorted(c).filter((r) => r.thread === m.ts && r.ts !== m.ts);

const readKey = (c) => `read ${world.env.me} ${c}`;

export function unread(c) {
  const seen = localStorage.getItem(readKey(c));
  if (seen === null) return 0;
  return top(c).filter((m) => m.ts > seen && m.from !== world.env.me).length;
}

export function markRead(c) {
  const last = top(c).at(-1);
  localStorage.setItem(readKey(c), last ? last.ts : "0");
}

// channelName is what a channel is called; one of direct messages bears the
// name of the bot.
export const channelName = (c) => (c.dm ? [...world.env.people.values()].find((p) => p.bot)?.real_name ?? "Bot" : c.name);

// home is the first channel that is no conversation of two.
export const home = () => world.state.channels.find((c) => !c.dm)?.id ?? world.channel;
