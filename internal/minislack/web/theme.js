// Light or dark: what the system says, until somebody presses the button.
const key = "theme";
const dark = matchMedia("(prefers-color-scheme: dark)");

function chosen() {
  const saved = localStorage.getItem(key);
  return saved === "dark" || saved === "light" ? saved : dark.matches ? "dark" : "light";
}

const changed = new Set();

function apply() {
  document.documentElement.dataset.theme = chosen();
  for (const tell of changed) tell(chosen());
}

dark.addEventListener("change", apply);
apply();

// onTheme calls back with the theme now and whenever it changes.
export function onTheme(tell) {
  changed.add(tell);
  tell(chosen());
}

export function toggleTheme() {
  localStorage.setItem(key, chosen() === "dark" ? "light" : "dark");
  apply();
}
