// Drawing Block Kit as it is stored: messages and forms alike.
import { h } from "./dom.js";
import { channelMention, dateNode, decode, emojiNode, groupMention, link, markup, mention, meters, plainText, preNode, textNode } from "./text.js";

// blocksNode draws the blocks of a message. press(block, element, option) is
// called for whatever is pressed; without it nothing can be.
export function blocksNode(env, blocks, press) {
  return blocks.map((b) => draw(env, b, press)).filter(Boolean);
}

function draw(env, b, press) {
  const make = {
    header: () => h("h3", { class: "b-header" }, textNode(env, b.text)),
    section: () => section(env, b, press),
    context: () => h("div", { class: "b-context" }, b.elements.map((e) => (e.type === "image" ? picture(e) : h("span", null, textNode(env, e))))),
    divider: () => h("hr", { class: "b-divider" }),
    image: () => picture(b),
    actions: () => h("div", { class: "b-actions" }, b.elements.map((e) => element(env, b, e, press))),
    rich_text: () => h("div", { class: "b-rich" }, b.elements.map((e) => rich(env, e))),
  }[b.type];
  return make ? make() : h("p", { class: "b-unknown" }, `(a block of type ${b.type})`);
}

function section(env, b, press) {
  return h("div", { class: "b-section" },
    h("div", { class: "b-section-text" },
      b.text && h("div", { class: "b-text" }, textNode(env, b.text)),
      b.fields && h("div", { class: "b-fields" }, b.fields.map((f) => h("div", { class: "b-text" }, textNode(env, f))))),
    b.accessory && h("div", { class: "b-accessory" }, element(env, b, b.accessory, press)));
}

// picture stands for a picture: the page loads nothing from elsewhere.
function picture(b) {
  return h("span", { class: "b-picture", role: "img", "aria-label": b.alt_text }, b.alt_text);
}

function rich(env, part) {
  const inside = () => part.elements.map((e) => leaf(env, e));
  switch (part.type) {
    case "rich_text_section": return h("div", { class: "r-section" }, inside());
    case "rich_text_quote": return h("blockquote", null, inside());
    case "rich_text_preformatted": return preNode(part.elements.map((e) => decode(e.text ?? e.url ?? "")).join(""));
    case "rich_text_list":
      return h(part.style === "ordered" ? "ol" : "ul", { class: `r-list indent-${part.indent ?? 0}` },
        part.elements.map((e) => h("li", null, rich(env, e))));
  }
  return null;
}

function leaf(env, e) {
  const make = {
    text: () => decode(e.text),
    link: () => link(env, e.url, decode(e.text)),
    user: () => mention(env, e.user_id),
    usergroup: () => groupMention(env, e.usergroup_id),
    channel: () => channelMention(env, e.channel_id),
    emoji: () => emojiNode(e.name),
    broadcast: () => h("span", { class: "mention wide" }, "@" + e.range),
    date: () => dateNode(env, e.timestamp, e.format, e.fallback ?? ""),
    color: () => e.value,
  }[e.type];
  return make ? styled(make(), e.style ?? {}) : null;
}

function styled(node, style) {
  if (style.code) {
    const bar = typeof node === "string" && /^[█░]+$/.test(node);
    node = bar ? h("span", { class: "meter wide-meter" }, meters(node)) : h("code", null, node);
  }
  if (style.bold) node = h("strong", null, node);
  if (style.italic) node = h("em", null, node);
  if (style.strike) node = h("s", null, node);
  return node;
}

// element draws something to press or choose in a message.
function element(env, b, e, press) {
  switch (e.type) {
    case "button": return button(env, b, e, press);
    case "image": return picture(e);
    case "static_select": case "overflow": return menu(b, e, press);
    case "checkboxes": case "radio_buttons":
      return h("fieldset", { class: "choices" }, optionsOf(e).map((o) => h("label", null,
        h("input", { type: e.type === "checkboxes" ? "checkbox" : "radio", name: e.action_id, onchange: () => press?.(b, e, o) }),
        h("span", null, textNode(env, o.text)))));
    default: return h("span", { class: "b-unknown" }, `(a ${e.type})`);
  }
}

function button(env, b, e, press) {
  return h("button", {
    type: "button", class: `button ${e.style ?? ""}`, disabled: !press, "data-tour": "action:" + e.action_id,
    "data-action": e.action_id, "aria-label": e.accessibility_label ?? null, onclick: (event) => press(b, e, null, event.currentTarget),
  }, textNode(env, e.text));
}

function menu(b, e, press) {
  const all = optionsOf(e);
  const label = plainText(e.placeholder) || "More";
  return h("select", {
    class: "select", "aria-label": label, disabled: !press,
    onchange: (event) => {
      const o = all[event.target.selectedIndex - 1];
      event.target.selectedIndex = 0;
      if (o) press(b, e, o, event.target);
    },
  }, h("option", { value: "" }, label), all.map((o) => h("option", { value: o.value ?? "" }, plainText(o.text))));
}

export function optionsOf(e) {
  return e.options ?? (e.option_groups ?? []).flatMap((g) => g.options ?? []);
}

// messageBody is what a message says: its blocks, or its text without any.
export function messageBody(env, message, press) {
  if (message.blocks?.length) {
    const card = message.blocks.some((b) => b.type === "header");
    return h("div", { class: card ? "blocks card" : "blocks" }, blocksNode(env, message.blocks, press));
  }
  return message.text ? h("div", { class: "blocks b-text" }, markup(env, message.text)) : null;
}
