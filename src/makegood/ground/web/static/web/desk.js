// What the pages of the desk do in the browser. No build, no globals; everything hangs on data attributes:
//   data-key="r"       pressed alone, clicks (or focuses) the element      data-go="d"     pressed after g, follows the link
//   data-row           a row of a list: j and k walk, Enter opens its a[data-open], x ticks its checkbox
//   data-dialog="id"   opens the dialog            data-close   closes the one it stands in
//   data-due, data-ago <time> kept current         data-filters a form that applies each change at once
// It is loaded first and at once, so that it hears every key; what needs the page waits for it in begin().
(() => {
  "use strict";
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const one = (selector, root = document) => root.querySelector(selector);
  const root = document.documentElement;
  const remember = (name, value) => {
    document.cookie = `${name}=${value}; path=/; max-age=31536000; samesite=lax`;
  };

  // -- theme: system, light, dark; the cookie lets the server send the right page at once
  const THEMES = ["", "light", "dark"];
  function switchTheme() {
    const next = THEMES[(THEMES.indexOf(root.dataset.theme || "") + 1) % THEMES.length];
    if (next) root.dataset.theme = next;
    else delete root.dataset.theme;
    remember("theme", next);
    all("[data-theme-name]").forEach((name) => {
      name.textContent = name.dataset.names.split("|")[THEMES.indexOf(next)];
    });
    document.dispatchEvent(new Event("theme"));
  }
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => document.dispatchEvent(new Event("theme")));

  function foldRail() {
    const folded = root.dataset.rail !== "folded";
    if (folded) root.dataset.rail = "folded";
    else delete root.dataset.rail;
    remember("rail", folded ? "folded" : "open");
  }

  // -- time: the same words as formats.py
  const SOON = 120;
  function brief(minutes) {
    if (minutes < 120) return `${minutes} min`;
    return minutes < 2880 ? `${Math.floor(minutes / 60)} h` : `${Math.floor(minutes / 1440)} d`;
  }
  function tick() {
    const now = Date.now();
    all("time[data-due]").forEach((chip) => {
      const left = (new Date(chip.dateTime) - now) / 60000;
      const words = brief(Math.floor(Math.abs(left)));
      chip.dataset.state = left < 0 ? "late" : left <= SOON ? "soon" : "later";
      chip.textContent = left < 0 ? (root.dataset.late || "%s late").replace("%s", words) : words;
    });
    all("time[data-ago]").forEach((time) => {
      time.textContent = brief(Math.max(0, Math.floor((now - new Date(time.dateTime)) / 60000)));
    });
  }
  setInterval(tick, 30000);
  document.addEventListener("visibilitychange", () => document.hidden || tick());

  // -- toasts
  const toasts = () => one("#toasts");
  function watchToasts() {
    all("[data-toast]:not([data-seen])").forEach((toast) => {
      toast.dataset.seen = "";
      if (!toast.classList.contains("error")) setTimeout(() => toast.remove(), 6000);
    });
  }
  function complain() {
    const toast = document.createElement("div");
    toast.className = "toast error";
    toast.setAttribute("role", "alert");
    toast.dataset.toast = "";
    const words = document.createElement("p");
    words.textContent = toasts().dataset.lost;
    toast.append(words);
    toasts().append(toast);
    setTimeout(() => toast.remove(), 8000);
  }

  // -- dialogs
  function openDialog(id) {
    const dialog = document.getElementById(id);
    if (!dialog || dialog.open) return;
    all("dialog[open]").forEach((other) => other.close());
    all("[popover]:popover-open").forEach((menu) => menu.hidePopover());
    dialog.showModal();
    (one("[autofocus], .dialog-body :is(input:not([type=hidden]), select, textarea)", dialog) || dialog).focus();
  }

  // -- the finder: what the server finds, and the commands that match
  let finder, box;
  const options = () => all("[role=option]:not([hidden])", finder).filter((option) => !option.closest("[hidden]"));
  function openFinder() {
    openDialog("finder");
    box.focus();
    box.select();
    narrow();
  }
  function choose(option) {
    all("[role=option][aria-selected]", finder).forEach((other) => other.removeAttribute("aria-selected"));
    if (!option) return box.removeAttribute("aria-activedescendant");
    option.id = option.id || `hit-${options().indexOf(option)}-${Date.now()}`;
    option.setAttribute("aria-selected", "true");
    option.scrollIntoView({ block: "nearest" });
    box.setAttribute("aria-activedescendant", option.id);
  }
  function narrow() {
    const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
    const commands = one("[data-commands]", finder);
    const left = all("[role=option]", commands).filter((command) => {
      command.hidden = !words.every((word) => command.textContent.toLowerCase().includes(word));
      return !command.hidden;
    });
    commands.hidden = !left.length;
    if (!words.length) one("#finder-hits").replaceChildren();
    choose(options()[0]);
  }
  function readyFinder() {
    finder = one("#finder");
    if (!finder) return;
    box = one("input", finder);
    box.addEventListener("input", narrow);
    finder.addEventListener("htmx:afterSwap", () => choose(options()[0]));
    box.addEventListener("keydown", (event) => {
      const hits = options(), at = hits.findIndex((hit) => hit.hasAttribute("aria-selected"));
      if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        event.preventDefault();
        const step = event.key === "ArrowDown" ? 1 : -1;
        choose(hits[(at + step + hits.length) % hits.length]);
      } else if (event.key === "Enter" && at >= 0) {
        event.preventDefault();
        hits[at].click();
      }
    });
    // A click beside it closes it.
    finder.addEventListener("click", (event) => event.target === finder && finder.close());
  }

  // -- lists
  const rows = () => all("[data-row]").filter((row) => row.offsetParent);
  function walk(step) {
    const list = rows();
    if (!list.length) return;
    const at = list.findIndex((row) => row.contains(document.activeElement));
    const row = list[at < 0 ? 0 : Math.min(Math.max(at + step, 0), list.length - 1)];
    one("[data-open]", row).focus({ preventScroll: true });
    row.scrollIntoView({ block: "nearest" });
  }
  function tickRow() {
    const row = document.activeElement.closest("[data-row]");
    const mark = row && one("input[type=checkbox]", row);
    if (mark) mark.click();
  }

  // -- tabs, where columns do not fit
  function showPane(key) {
    all("[data-tab]").forEach((tab) => tab.setAttribute("aria-selected", String(tab.dataset.tab === key)));
    all("[data-pane]").forEach((pane) => pane.classList.toggle("shown", pane.dataset.pane === key));
  }

  // -- what scrolls sideways and holds nothing to focus can be focused itself, so that arrow keys reach all of it
  function openScrollers() {
    all(".table-box.scroll").forEach((box) => {
      const closed = box.scrollWidth > box.clientWidth && !one("a, button, input, select", box);
      box.toggleAttribute("tabindex", closed);
      if (closed) box.tabIndex = 0;
    });
  }
  addEventListener("resize", openScrollers);
  document.addEventListener("toggle", openScrollers, true);

  // -- keys typed ahead: what is pressed while one page goes and the next one comes is meant for the next one
  const PATIENCE = 10000; // who waited longer than that for a page no longer counts on what they pressed
  let listens = false, left = 0;
  const isLeaving = () => Date.now() - left < PATIENCE;
  const stored = (task) => { try { return task(); } catch { return null; } }; // a browser may refuse to store
  const ahead = () => JSON.parse(stored(() => sessionStorage.getItem("ahead")) || "[]");
  const keep = (key) => stored(() => sessionStorage.setItem("ahead", JSON.stringify([...ahead(), { key, at: Date.now() }])));
  function listen() {
    const keys = ahead();
    stored(() => sessionStorage.removeItem("ahead"));
    listens = true;
    left = 0;
    keys.filter(({ at }) => Date.now() - at < PATIENCE).forEach(({ key }) => {
      (document.activeElement || document.body).dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
    });
  }
  if (window.navigation) {
    navigation.addEventListener("navigate", ({ destination, downloadRequest }) => {
      // Links to files say so (`download`): nothing else tells that this page will stay.
      if (destination.sameDocument || downloadRequest !== null || new URL(destination.url).origin !== location.origin) return;
      left = Date.now();
      if (finder) finder.close();
    });
    navigation.addEventListener("navigateerror", () => { left = 0; });
  }
  addEventListener("pageshow", (event) => { if (event.persisted) listen(); });

  // -- keyboard
  let going = 0;
  function press(event) {
    if (event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      openFinder();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const writing = event.target.closest("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");
    if (writing) {
      if (event.key === "Escape" && !event.target.closest("dialog")) event.target.blur();
      return;
    }
    if (!listens || isLeaving()) {
      if (/^\S$/u.test(event.key)) { event.preventDefault(); keep(event.key); }
      return;
    }
    if (one("dialog[open]")) return;
    let action;
    if (Date.now() - going < 1200) {
      const target = all("[data-go]").find((link) => link.dataset.go === event.key);
      going = 0;
      action = target && (() => target.click());
    } else if (event.key === "g") action = () => { going = Date.now(); };
    else if (event.key === "/") action = openFinder;
    else if (event.key === "?") action = () => openDialog("keys");
    else if (event.key === "j") action = () => walk(1);
    else if (event.key === "k") action = () => walk(-1);
    else if (event.key === "x" && one("[data-row]")) action = tickRow;
    else {
      // Of several (undo) the one that came last. What is folded away unfolds.
      const fold = (element) => element.closest("details:not([open])");
      const target = all("[data-key]").findLast((element) => element.dataset.key === event.key && (fold(element)?.firstElementChild || element).offsetParent);
      if (target) action = () => {
        if (fold(target)) fold(target).open = true;
        target.focus(); // so that a dialog gives the focus back to what opened it
        if (!target.matches("input, textarea, select")) target.click();
      };
    }
    if (!action) return;
    event.preventDefault();
    action();
  }

  function click(event) {
    const at = (selector) => event.target.closest(selector);
    let found;
    if ((found = at("[data-dialog]"))) { event.preventDefault(); openDialog(found.dataset.dialog); }
    else if ((found = at("[data-close]"))) found.closest("dialog").close();
    else if ((found = at("[data-dismiss]"))) found.closest("[data-toast]").remove();
    else if (at("[data-finder]") && !event.ctrlKey && !event.metaKey) { event.preventDefault(); openFinder(); }
    else if (at("[data-theme-switch]")) { event.preventDefault(); switchTheme(); }
    else if (at("[data-fold]")) foldRail();
    else if ((found = at("[data-tab]"))) showPane(found.dataset.tab);
    else if ((found = at("[data-row]")) && !at("a, button, input, label, select")) {
      const link = one("[data-open]", found);
      if (event.ctrlKey || event.metaKey) open(link.href);
      else if (!String(getSelection())) link.click();
    }
  }

  function change(event) {
    if (event.target.matches("[data-check-all]")) {
      all("tbody input[type=checkbox]", event.target.closest("table")).forEach((mark) => { mark.checked = event.target.checked; });
    }
    const form = event.target.closest("[data-filters]");
    if (form) submitFilters(form);
    const marked = event.target.closest("form") && all("tbody :checked", event.target.closest("form")).length;
    all("[data-marked]").forEach((word) => { word.textContent = marked || 0; });
  }
  // Only what is set goes into the address.
  function submitFilters(form) {
    const set = [...new FormData(form)].filter(([, value]) => value !== "");
    const query = new URLSearchParams(set).toString();
    location.assign(form.getAttribute("action") + (query ? `?${query}` : ""));
  }

  document.addEventListener("keydown", press);
  document.addEventListener("click", click);
  document.addEventListener("change", change);
  document.addEventListener("submit", (event) => {
    if (event.target.matches("[data-filters]")) { event.preventDefault(); submitFilters(event.target); }
  });

  // -- htmx
  document.addEventListener("htmx:beforeSwap", (event) => {
    const answer = event.detail.xhr;
    // Signed out meanwhile: the sign-in page is no part of this one.
    if (new URL(answer.responseURL || location.href).pathname.startsWith("/account/login")) {
      event.detail.shouldSwap = false;
      location.reload();
    } else if (answer.status >= 400 && /^\s*<!doctype/i.test(answer.responseText)) {
      event.detail.shouldSwap = false;
      complain();
    }
  });
  document.addEventListener("htmx:sendError", complain);
  document.addEventListener("htmx:afterSettle", () => { watchToasts(); tick(); openScrollers(); });
  function begin() {
    readyFinder();
    watchToasts();
    openScrollers();
    all("[data-tabbed]").forEach((group) => {
      const first = one("[data-pane].shown", group) || one("[data-pane]", group);
      if (first) showPane(first.dataset.pane);
    });
    setTimeout(listen); // after htmx, which begins at the same moment
  }
  document.addEventListener("DOMContentLoaded", begin);
})();
