// Dialogs: the question before a click, and the forms that the app opens.
import { h, icon } from "./dom.js";
import { blocksNode, optionsOf } from "./blocks.js";
import { decode, plainText, textNode } from "./text.js";

// ask shows a confirm dialog and resolves to whether it was confirmed.
export function ask(env, confirm) {
  return new Promise((resolve) => {
    const d = confirmNode(env, confirm, (yes) => d.close(yes ? "yes" : ""));
    d.addEventListener("close", () => {
      d.remove();
      resolve(d.returnValue === "yes");
    });
    document.body.append(d);
    d.showModal();
  });
}

// confirmNode draws a confirm dialog; done(yes) is called once.
export function confirmNode(env, confirm, done) {
  return h("dialog", { class: "dialog small", "aria-labelledby": "confirm-title", "aria-describedby": "confirm-text" },
    h("h2", { id: "confirm-title", class: "dialog-title" }, textNode(env, confirm.title)),
    h("div", { id: "confirm-text", class: "dialog-text b-text" }, textNode(env, confirm.text)),
    h("div", { class: "dialog-buttons" },
      h("button", { type: "button", class: "button", onclick: () => done(false) }, plainText(confirm.deny)),
      h("button", { type: "button", class: `button ${confirm.style ?? "primary"}`, onclick: () => done(true) }, plainText(confirm.confirm))));
}

// A Form keeps the form that is open on the screen.
export class Form {
  // doing has submit(values), close(), press(block, element, option) and
  // upload(file), all of which return a promise of an answer.
  constructor(doing) {
    this.doing = doing;
    this.open = null;
  }

  // show makes the screen look like view, which may be null.
  show(env, view) {
    if (!view) {
      this.open?.dialog.close();
      this.open = null;
      return;
    }
    const kept = this.open?.id === view.id ? this.open.fields.map((f) => [f.block, f.peek()]) : [];
    if (this.open && this.open.id !== view.id) {
      this.open.dialog.close();
      this.open = null;
    }
    const made = formNode(env, view, (values) => this.submit(values), () => this.cancel(), this.doing.press);
    if (this.open) {
      this.open.dialog.replaceChildren(made.form);
      this.open = { ...made, dialog: this.open.dialog, id: view.id };
    } else {
      const dialog = h("dialog", { class: "dialog", "aria-labelledby": "form-title" }, made.form);
      dialog.addEventListener("cancel", (event) => {
        event.preventDefault();
        this.cancel();
      });
      dialog.addEventListener("close", () => dialog.remove());
      document.body.append(dialog);
      dialog.showModal();
      this.open = { ...made, dialog, id: view.id };
    }
    for (const [block, value] of kept) this.open.fields.find((f) => f.block === block)?.poke(value);
    this.open.fields[0]?.control.focus();
  }

  async cancel() {
    await this.doing.close();
  }

  async submit() {
    const { fields, say, busy } = this.open;
    fields.forEach((f) => f.wrong(""));
    say("");
    busy(true);
    try {
      const values = {};
      for (const f of fields) values[f.block] = await f.value(this.doing.upload);
      const answer = await this.doing.submit(values);
      if (answer.errors) {
        const wrong = fields.filter((f) => answer.errors[f.block]);
        wrong.forEach((f) => f.wrong(answer.errors[f.block]));
        wrong[0]?.control.focus();
        wrong[0]?.node.scrollIntoView({ block: "nearest" });
      } else if (answer.error) say("We had some trouble connecting. Try again?");
    } catch (e) {
      say(e.message);
    } finally {
      busy(false);
    }
  }
}

// formNode draws a form and its fields.
export function formNode(env, view, submit, cancel, press) {
  const fields = [];
  const body = view.blocks.map((b, i) => {
    if (b.type !== "input") return blocksNode(env, [b], press);
    const f = field(env, b, i);
    fields.push(f);
    return f.node;
  });
  const problem = h("p", { class: "form-problem", role: "alert", hidden: true });
  const send = view.submit && h("button", { type: "submit", class: "button primary" }, plainText(view.submit));
  const form = h("form", {
    class: "form", novalidate: true,
    onsubmit: (event) => {
      event.preventDefault();
      if (!send?.disabled) submit();
    },
  },
    h("header", { class: "dialog-head" },
      h("h2", { id: "form-title", class: "dialog-title" }, textNode(env, view.title)),
      h("button", { type: "button", class: "icon-button", "aria-label": "Close", onclick: cancel }, icon("close"))),
    h("div", { class: "dialog-body" }, body, problem),
    h("footer", { class: "dialog-buttons" },
      h("button", { type: "button", class: "button", onclick: cancel }, plainText(view.close) || "Cancel"), send));
  return {
    form, fields,
    say: (text) => {
      problem.hidden = !text;
      problem.textContent = text;
    },
    busy: (on) => {
      if (send) send.disabled = on;
      form.setAttribute("aria-busy", String(on));
    },
  };
}

// field draws one input block.
function field(env, b, i) {
  const id = `field-${i}`;
  const e = b.element;
  const hint = b.hint && h("p", { id: id + "-hint", class: "field-hint" }, textNode(env, b.hint));
  const error = h("p", { id: id + "-error", class: "field-error", hidden: true });
  const made = input(env, e, id, [hint && id + "-hint", id + "-error"].filter(Boolean).join(" "), !b.optional);
  const label = [textNode(env, b.label), b.optional && h("span", { class: "optional" }, " (optional)")];
  const node = made.many
    ? h("fieldset", { class: "field" }, h("legend", null, label), made.node, hint, error)
    : h("div", { class: "field" }, h("label", { for: id }, label), made.node, hint, error);
  const wrong = (text) => {
    error.hidden = !text;
    error.textContent = text;
    made.control.removeAttribute("aria-invalid");
    if (text) made.control.setAttribute("aria-invalid", "true");
  };
  node.addEventListener("input", () => wrong(""));
  return { ...made, node, block: b.block_id, wrong };
}

const types = {
  email_text_input: "email", url_text_input: "url", number_input: "number", datepicker: "date", timepicker: "time",
  datetimepicker: "datetime-local",
};

// input makes the control of an element, and says how to read and write it.
function input(env, e, id, describedby, needed) {
  const common = { id, "aria-describedby": describedby, "aria-required": needed ? "true" : null };
  const simple = (control) => ({
    control, node: control, value: async () => control.value, peek: () => control.value,
    poke: (v) => { control.value = v; },
  });
  if (e.type === "file_input") return fileField(e, common);
  if (e.type === "checkboxes" || e.type === "radio_buttons") return choiceField(env, e, id);
  if (/_select$/.test(e.type)) return selectField(env, e, common);
  if (e.type === "plain_text_input" && e.multiline) {
    return simple(h("textarea", { ...common, rows: "4", maxlength: e.max_length, placeholder: plainText(e.placeholder) || null, value: decode(e.initial_value) }));
  }
  const made = simple(h("input", {
    ...common, type: types[e.type] ?? "text", maxlength: e.max_length, placeholder: plainText(e.placeholder) || null, autocomplete: "off",
    value: decode(e.initial_value ?? e.initial_date ?? e.initial_time ?? ""),
  }));
  if (e.type === "datetimepicker") made.value = async () => (made.control.value ? String(Date.parse(made.control.value) / 1000) : "");
  return made;
}

function selectField(env, e, common) {
  const from = { users_select: env.people, multi_users_select: env.people, channels_select: env.channels, conversations_select: env.channels }[e.type];
  const all = from ? [...from.values()].map((p) => [p.id, p.real_name ?? p.name]) : optionsOf(e).map((o) => [o.value, plainText(o.text)]);
  const many = e.type.startsWith("multi_");
  const first = (e.initial_options ?? [e.initial_option]).filter(Boolean).map((o) => o.value).concat(e.initial_user ?? []);
  const control = h("select", { ...common, multiple: many },
    !many && h("option", { value: "" }, plainText(e.placeholder) || "Choose…"),
    all.map(([value, label]) => h("option", { value, selected: first.includes(value) }, label)));
  const peek = () => [...control.selectedOptions].map((o) => o.value).filter(Boolean).join("\n");
  return { control, node: control, value: async () => peek(), peek, poke: (v) => { for (const o of control.options) o.selected = v.split("\n").includes(o.value); } };
}

function choiceField(env, e, id) {
  const first = (e.initial_options ?? [e.initial_option]).filter(Boolean).map((o) => o.value);
  const boxes = optionsOf(e).map((o) => h("input", {
    type: e.type === "checkboxes" ? "checkbox" : "radio", name: id, value: o.value, checked: first.includes(o.value),
  }));
  const node = h("div", { class: "choices" }, optionsOf(e).map((o, i) => h("label", null, boxes[i], h("span", null, textNode(env, o.text)))));
  const peek = () => boxes.filter((x) => x.checked).map((x) => x.value).join("\n");
  return { many: true, control: boxes[0], node, value: async () => peek(), peek, poke: (v) => boxes.forEach((x) => { x.checked = v.split("\n").includes(x.value); }) };
}

function fileField(e, common) {
  const accept = (e.filetypes ?? []).map((t) => "." + t).join(",");
  const control = h("input", { ...common, type: "file", accept: accept || null, multiple: (e.max_files ?? 10) > 1 });
  let kept = null; // files already uploaded, so that sending again does not upload again
  control.addEventListener("change", () => { kept = null; });
  return {
    control, node: control, peek: () => null, poke: () => {},
    value: async (upload) => {
      kept ??= Promise.all([...control.files].map(upload));
      return (await kept).join("\n");
    },
  };
}

