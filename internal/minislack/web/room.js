// The middle of the page: the messages of the channel.
import { byID } from "./dom.js";
import { List } from "./chat.js";
import { view as viewFile } from "./files.js";
import { ask } from "./forms.js";
import { openThread } from "./pane.js";
import { spot } from "./tour.js";
import { call, markRead, message, repliesTo, told, top, world } from "./world.js";

// doing is what can be done with a message.
const doing = {
  press: async (m, block, element, option, button) => {
    if (element.confirm && !(await ask(world.env, element.confirm))) {
      button?.focus();
      return;
    }
    button?.setAttribute("aria-busy", "true");
    told(await call("click", { channel: m.channel, ts: m.ts, block: block.block_id, action: element.action_id, option: option?.value ?? "" }));
    button?.removeAttribute("aria-busy");
  },
  openFile: (m, f) => {
    call("opened", { channel: m.channel, ts: m.ts, text: f.name });
    viewFile(f, `/web/file/${f.id}?as=${world.env.me}`);
  },
  openThread: (m) => openThread(m.ts, doing),
};

const list = new List(byID("messages"), doing);

export function drawMessages() {
  const all = top(world.channel);
  list.show(world.env, all, repliesTo(world.channel));
  byID("scroll").classList.toggle("empty", all.length === 0);
  markRead(world.channel);
}

// follow draws what happened, and goes along with it if its reader was at the
// end. Otherwise something fresh is announced; what only changed is not.
export function follow(fresh) {
  const stick = atBottom();
  drawMessages();
  if (stick) toBottom();
  else if (fresh) byID("news").hidden = atBottom();
}

// showMessage leads to a message of the channel, in its thread if it has one.
export function showMessage(ts) {
  const m = message(world.channel, ts);
  if (m?.thread && m.thread !== ts) openThread(m.thread, doing);
  const place = document.querySelector(`.messages [data-ts="${CSS.escape(ts)}"]`);
  place?.focus({ preventScroll: true });
  place?.scrollIntoView({ block: "start" });
  spot(place);
}

const scroll = byID("scroll");
const atBottom = () => scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 80;

export function toBottom() {
  scroll.scrollTop = scroll.scrollHeight;
  byID("news").hidden = true;
}

// Whoever reads the end goes on reading it when the room for it changes: a pane
// opens, a phone brings its keyboard.
let ended = true;
scroll.addEventListener("scroll", () => {
  ended = atBottom();
  if (ended) byID("news").hidden = true;
});
new ResizeObserver(() => { if (ended) toBottom(); }).observe(scroll);
byID("news").addEventListener("click", toBottom);
