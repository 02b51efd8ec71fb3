// A little help with the document. Text of a peer enters it here, and only ever as text.

// A new element with these properties and children; a string among the children is text.
export function el(name, properties = {}, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

// Puts texts where `data-value` names them.
export function show(root, values) {
  for (const [name, text] of Object.entries(values)) {
    const place = root.querySelector(`[data-value="${name}"]`);
    if (place.textContent !== String(text)) place.textContent = text;
  }
}

// What the user filled in: the controls of a form by their names.
export const controls = (panel, form) => panel.querySelector(`[data-form="${form}"]`).elements;

// Calls `action` when a form is sent, which goes nowhere else.
export function onSubmit(panel, form, action) {
  panel.querySelector(`[data-form="${form}"]`).onsubmit = (event) => {
    event.preventDefault();
    action(event.target.elements);
  };
}

const stillness = matchMedia("(prefers-reduced-motion: reduce)");

// Calls `draw` with the next picture of the screen, once however often it is asked for; where less
// motion is wanted, once a second.
export function eachFrame(draw) {
  let isAsked = false;
  return () => {
    if (isAsked) return;
    isAsked = true;
    const next = () => {
      isAsked = false;
      draw();
    };
    if (stillness.matches) setTimeout(next, 1000);
    else requestAnimationFrame(next);
  };
}

// Shows what went wrong under the controls of a panel; nothing, if `text` is empty.
export function complain(panel, text) {
  const problem = panel.querySelector(".problem");
  problem.textContent = text;
  problem.hidden = text === "";
}
