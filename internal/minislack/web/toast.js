// Short notices for what Slack itself has to say.
import { byID, h, icon } from "./dom.js";

const kept = 9000; // milliseconds

export function toast(text, kind = "") {
  const node = h("div", { class: `toast ${kind}` }, h("p", null, text),
    h("button", { type: "button", class: "icon-button", "aria-label": "Dismiss", onclick: () => node.remove() }, icon("close")));
  byID("toasts").append(node);
  setTimeout(() => node.remove(), kept);
}
