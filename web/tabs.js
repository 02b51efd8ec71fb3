// Tabs by the ARIA pattern: one of them is in the order of the Tab key, arrows go to the others, and
// the one that has the focus is the one that is shown.

const KEYS = {
  ArrowRight: (index, last) => (index === last ? 0 : index + 1),
  ArrowDown: (index, last) => (index === last ? 0 : index + 1),
  ArrowLeft: (index, last) => (index === 0 ? last : index - 1),
  ArrowUp: (index, last) => (index === 0 ? last : index - 1),
  Home: () => 0,
  End: (_, last) => last,
};

// How much of its neighbours is to be seen where the strip of tabs is scrolled.
const MARGIN_PX = 32;

// Calls `shown` with the name of each panel when it is shown, beginning with the one that the
// address of the page names.
export function startTabs(list, shown) {
  const tabs = [...list.querySelectorAll("[role=tab]")];
  const nameOf = (tab) => tab.getAttribute("aria-controls");

  const select = (chosen) => {
    for (const tab of tabs) {
      tab.setAttribute("aria-selected", tab === chosen);
      tab.tabIndex = tab === chosen ? 0 : -1;
      document.getElementById(nameOf(tab)).hidden = tab !== chosen;
    }
    shown(nameOf(chosen));
    // Not scrollIntoView, from where the Tab key would go on.
    const end = chosen.offsetLeft + chosen.offsetWidth + MARGIN_PX - list.clientWidth;
    list.scrollLeft = Math.max(end, Math.min(list.scrollLeft, chosen.offsetLeft - MARGIN_PX));
  };

  for (const tab of tabs) {
    tab.onclick = () => {
      select(tab);
      // The address can be kept, and leads back here.
      history.replaceState(null, "", `#${nameOf(tab)}`);
    };
  }
  list.onkeydown = (event) => {
    const next = KEYS[event.key]?.(tabs.indexOf(event.target), tabs.length - 1);
    if (next === undefined || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    tabs[next].focus();
    tabs[next].click();
  };
  // Beside the panels they stand one above the other.
  const wide = matchMedia("(min-width: 50rem)");
  const orient = () => list.setAttribute("aria-orientation", wide.matches ? "vertical" : "horizontal");
  wide.addEventListener("change", orient);
  orient();

  const selectNamed = () => {
    const name = location.hash.slice(1);
    select(tabs.find((tab) => nameOf(tab) === name) ?? tabs[0]);
  };
  addEventListener("hashchange", selectNamed);
  selectNamed();
}
