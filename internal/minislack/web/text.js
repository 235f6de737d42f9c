// Reading text as Slack stores it: & < > encoded, <…> for mentions, links and
// dates, * _ ~ ` for looks, :names: for emoji.
import { h } from "./dom.js";

// decode undoes the encoding once. What it gives is for text nodes only.
export function decode(text) {
  return (text ?? "").replace(/&(amp|lt|gt);/g, (_, name) => ({ amp: "&", lt: "<", gt: ">" })[name]);
}

const emoji = {
  white_check_mark: "✅", x: "❌", warning: "⚠️", lock: "🔒", "+1": "👍", "-1": "👎", tada: "🎉",
  hourglass_flowing_sand: "⏳", octagonal_sign: "🛑", rotating_light: "🚨", mag: "🔍", page_facing_up: "📄",
  slightly_smiling_face: "🙂", large_green_circle: "🟢", red_circle: "🔴", large_yellow_circle: "🟡", no_entry_sign: "🚫",
};

export function emojiNode(name) {
  return emoji[name] ? h("span", { role: "img", "aria-label": name.replaceAll("_", " ") }, emoji[name]) : `:${name}:`;
}

// An env is who reads: { me, tz, people, groups, channels }, the last three by id.

export function mention(env, id) {
  const p = env.people.get(id);
  return h("span", { class: id === env.me ? "mention mine" : "mention" }, "@" + (p ? p.name : id));
}

export function groupMention(env, id) {
  const g = env.groups.get(id);
  return h("span", { class: "mention" }, "@" + (g ? g.handle : id));
}

export function channelMention(env, id) {
  const c = env.channels.get(id);
  return h("span", { class: "mention" }, "#" + (c ? c.name : id));
}

// link is a link to the web and nothing else: no script hides in its address. A
// link to a message of this workspace leads there.
export function link(env, url, label) {
  const there = /^https:\/\/[^/]+\.slack\.com\/archives\/(\w+)\/p(\d+)(\d{6})(?:\?.*)?$/.exec(url);
  if (there && env.jump) {
    const [, channel, seconds, micros] = there;
    return h("a", {
      href: "#", onclick: (event) => {
        event.preventDefault();
        env.jump(channel, `${seconds}.${micros}`);
      },
    }, label || url);
  }
  if (!/^(https?:|mailto:|tel:)/i.test(url)) return label || url;
  return h("a", { href: url, target: "_blank", rel: "noreferrer noopener" }, label || url);
}

function format(env, at, options) {
  try {
    return new Intl.DateTimeFormat("en-GB", { timeZone: env.tz, ...options }).format(at);
  } catch {
    return new Intl.DateTimeFormat("en-GB", options).format(at); // a zone this browser does not know
  }
}

const day = (env, at) => format(env, at, { year: "numeric", month: "2-digit", day: "2-digit" });

export const clock = (env, at) => format(env, at, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

// relative is today, tomorrow or yesterday, or nothing.
function relative(env, at) {
  for (const [word, days] of [["today", 0], ["tomorrow", 1], ["yesterday", -1]]) {
    if (day(env, at) === day(env, new Date(Date.now() + days * 864e5))) return word;
  }
  return "";
}

export function dayName(env, at) {
  const word = relative(env, at);
  return word ? word[0].toUpperCase() + word.slice(1) : format(env, at, { weekday: "long", day: "numeric", month: "long" });
}

// dateNode is a moment in the reader's time, in Slack's little language for it.
export function dateNode(env, unix, pattern, fallback) {
  const at = new Date(unix * 1000);
  if (!Number.isFinite(at.getTime())) return fallback;
  const long = { year: "numeric", month: "long", day: "numeric" };
  const short = { year: "numeric", month: "short", day: "numeric" };
  const parts = {
    date_num: () => format(env, at, { year: "numeric", month: "2-digit", day: "2-digit" }).split("/").reverse().join("-"),
    date: () => format(env, at, long), date_pretty: () => relative(env, at) || format(env, at, long),
    date_short: () => format(env, at, short), date_short_pretty: () => relative(env, at) || format(env, at, short),
    date_long: () => format(env, at, { ...long, weekday: "long" }),
    date_long_pretty: () => relative(env, at) || format(env, at, { ...long, weekday: "long" }),
    time: () => clock(env, at),
    time_secs: () => format(env, at, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" }),
  };
  const said = decode(pattern).replace(/\{(\w+)\}/g, (whole, name) => (parts[name] ? parts[name]() : whole));
  const full = `${format(env, at, { ...long, weekday: "long" })}, ${parts.time_secs()} (${env.tz})`;
  return h("time", { datetime: at.toISOString(), title: full }, said);
}

function token(env, inside) {
  const bar = inside.indexOf("|");
  const target = bar < 0 ? inside : inside.slice(0, bar);
  const label = bar < 0 ? "" : decode(inside.slice(bar + 1));
  if (target.startsWith("!date^")) {
    const [, unix, pattern] = target.split("^");
    return dateNode(env, Number(unix), pattern ?? "", label);
  }
  if (target.startsWith("!subteam^")) return groupMention(env, target.slice(9));
  if (target.startsWith("!")) return h("span", { class: "mention wide" }, "@" + target.slice(1));
  if (target.startsWith("@")) return mention(env, target.slice(1));
  if (target.startsWith("#")) return channelMention(env, target.slice(1));
  return link(env, decode(target), label);
}

const marks = [
  [/`([^`\n]+)`/, (env, m) => h("code", null, decode(m[1]))],
  [/<([^<>]+)>/, (env, m) => token(env, m[1])],
  [/(?<![\p{L}\p{N}*])\*([^\s*](?:[^*\n]*[^\s*])?)\*(?![\p{L}\p{N}*])/u, (env, m) => h("strong", null, inline(env, m[1]))],
  [/(?<![\p{L}\p{N}_])_([^\s_](?:[^_\n]*[^\s_])?)_(?![\p{L}\p{N}_])/u, (env, m) => h("em", null, inline(env, m[1]))],
  [/(?<![\p{L}\p{N}~])~([^\s~](?:[^~\n]*[^\s~])?)~(?![\p{L}\p{N}~])/u, (env, m) => h("s", null, inline(env, m[1]))],
  [/:([a-z0-9_+-]+):/, (env, m) => emojiNode(m[1])],
];

// inline reads a stretch of one or more lines.
function inline(env, text) {
  const out = [];
  while (text) {
    let first = null;
    for (const [pattern, make] of marks) {
      const m = pattern.exec(text);
      if (m && (!first || m.index < first.m.index)) first = { m, make };
    }
    if (!first) break;
    if (first.m.index > 0) out.push(decode(text.slice(0, first.m.index)));
    out.push(first.make(env, first.m));
    text = text.slice(first.m.index + first.m[0].length);
  }
  if (text) out.push(decode(text));
  return out;
}

// meters colours the bars that are drawn with blocks.
export function meters(text) {
  return text.split(/([█░]+)/).map((part) => (/^[█░]/.test(part) ? h("span", { class: "meter", "aria-hidden": "true" }, part) : part));
}

// preNode draws lines as they are. One that is too long for its place goes on
// below, a little to the right.
export function preNode(text) {
  return h("pre", null, text.split("\n").map((line) => h("span", { class: "line" }, meters(line))));
}

const kinds = [["quote", /^&gt; ?/], ["bullet", /^• ?/]];

// markup reads mrkdwn.
export function markup(env, text) {
  const out = [];
  (text ?? "").split("```").forEach((piece, i, all) => {
    if (i % 2 === 1 && i < all.length - 1) {
      out.push(preNode(decode(piece.replace(/^\n|\n$/g, ""))));
      return;
    }
    if (i > 0) piece = piece.replace(/^\n/, "");
    if (i < all.length - 1) piece = piece.replace(/\n$/, "");
    if (piece) out.push(...lines(env, piece));
  });
  return out;
}

function lines(env, text) {
  const out = [];
  let run = { kind: "text", lines: [] };
  const end = () => {
    if (!run.lines.length) return;
    if (run.kind === "bullet") out.push(h("ul", { class: "bullets" }, run.lines.map((l) => h("li", null, inline(env, l)))));
    else if (run.kind === "quote") out.push(h("blockquote", null, inline(env, run.lines.join("\n"))));
    else out.push(h("span", { class: "lines" }, inline(env, run.lines.join("\n"))));
  };
  for (const line of text.split("\n")) {
    const [kind, mark] = kinds.find(([, m]) => m.test(line)) ?? ["text", /^/];
    if (kind !== run.kind) {
      end();
      run = { kind, lines: [] };
    }
    run.lines.push(line.replace(mark, ""));
  }
  end();
  return out;
}

// textNode reads a text object: plain_text or mrkdwn.
export function textNode(env, t) {
  if (!t) return null;
  if (t.type === "mrkdwn") return markup(env, t.text);
  const text = decode(t.text);
  return t.emoji ? text.split(/(:[a-z0-9_+-]+:)/).map((part) => (/^:.+:$/.test(part) ? emojiNode(part.slice(1, -1)) : part)) : text;
}

// plainText is a text object without any looks, for labels.
export const plainText = (t) => decode(t?.text ?? "");

// spoken is stored message text as somebody would read it aloud.
export function spoken(env, text) {
  return h("span", null, markup(env, text)).textContent;
}
