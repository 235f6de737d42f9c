// The guided tour: where somebody stands in it, and being led to the next step.
import { byID } from "./dom.js";
import { pull, showLevers } from "./pane.js";
import { menu, narrow } from "./side.js";
import { drawTour, spot } from "./tour.js";
import { call, home, world } from "./world.js";

let open = !narrow(), at = -1, drawn = "";

// unfold opens or folds the tour.
export function unfold(on) {
  open = on;
}

// drawGuide draws the steps. doing has sitDown(person, channel), go(channel) and
// write(text).
export function drawGuide(doing) {
  const { tour } = world.state.extras;
  const step = tour.findIndex((s) => !s.done);
  if (drawn === "" && step === 0) open = true; // whoever has just come is shown where to begin
  if (step !== at) spot(null);
  at = step;
  const sign = JSON.stringify([tour, open]);
  if (sign === drawn) return;
  drawn = sign;
  const place = byID("tour");
  place.hidden = tour.length === 0;
  const hadFocus = place.contains(document.activeElement);
  drawTour(place, tour, open, {
    go: (s) => lead(s, doing), restart: () => call("tour", {}),
    name: (n) => world.state.people.find((p) => p.name === n)?.real_name.split(" ")[0],
    toggle: () => {
      open = !open;
      drawGuide(doing);
    },
  });
  if (hadFocus) place.querySelector("button")?.focus();
}

// lead makes a step one press away: the right person, the words in the field,
// and what to press lit up.
async function lead(step, doing) {
  const who = world.state.people.find((p) => p.name === step.who);
  const room = home();
  if (who && who.id !== world.env.me) await doing.sitDown(who.id, room);
  else if (world.channel !== room) doing.go(room);
  if (narrow()) {
    open = false;
    drawGuide(doing);
    menu(false);
  }
  const lever = world.state.extras.levers.find((l) => l.name === step.pull);
  if (lever && !lever.broken) await pull(lever);
  if (step.type) doing.write(step.type);
  if (step.point.startsWith("lever:")) showLevers();
  const e = [...document.querySelectorAll(`[data-tour="${CSS.escape(step.point)}"]`)].at(-1);
  if (!e) return;
  if (!step.type) e.focus();
  spot(e.matches("textarea") ? e.parentElement : e);
}
