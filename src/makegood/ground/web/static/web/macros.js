// The form of a macro: its actions are put in order and taken out.
(() => {
  "use strict";
  document.addEventListener("click", (event) => {
    const row = event.target.closest(".macro-action"), button = event.target.closest("[data-earlier], [data-leave]");
    if (!row || !button) return;
    if ("leave" in button.dataset) { row.remove(); return; }
    row.previousElementSibling?.before(row);
    button.focus();
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.target.id === "macro-actions") event.target.lastElementChild.querySelector("[autofocus]")?.focus();
  });
})();
