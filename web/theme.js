// Light or dark: as the system says, or as the switch says, which is remembered.

const CHOICES = ["auto", "light", "dark"];

const watchers = [];

// Calls `watcher` when colours have changed: what is drawn has to be drawn again.
export const onTheme = (watcher) => watchers.push(watcher);

export function startTheme(button) {
  const apply = (choice) => {
    if (choice === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = choice;
    button.textContent = `Theme: ${choice}`;
    for (const watcher of watchers) watcher();
  };
  let choice = recall();
  apply(choice);
  button.onclick = () => {
    choice = CHOICES[(CHOICES.indexOf(choice) + 1) % CHOICES.length];
    remember(choice);
    apply(choice);
  };
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => apply(choice));
}

// A browser may keep nothing for this page, and throw.
function recall() {
  try {
    const choice = localStorage.getItem("theme");
    return CHOICES.includes(choice) ? choice : "auto";
  } catch {
    return "auto";
  }
}

function remember(choice) {
  try {
    localStorage.setItem("theme", choice);
  } catch {
    // It holds until the page is left.
  }
}
