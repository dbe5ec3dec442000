// The case page: drafts that survive, the dialog of actions, news that never disturbs what is being typed.
(() => {
  "use strict";
  const one = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];

  // -- composer: a draft per case and kind, kept until it is said
  const composer = one("#composer");
  if (composer) {
    const name = (area) => `draft:${composer.dataset.draft}:${area.name}`;
    const kind = () => one("[name=kind]:checked", composer).value;
    const areas = all("textarea", composer);
    const stored = (task) => { try { return task(); } catch { return null; } }; // a browser may refuse to store
    areas.forEach((area) => {
      if (!area.value) area.value = stored(() => localStorage.getItem(name(area))) || "";
      area.addEventListener("input", () => stored(() => (area.value ? localStorage.setItem(name(area), area.value) : localStorage.removeItem(name(area)))));
    });
    // Choosing a kind leads into its text at once (whatever is typed next belongs there); walking the kinds with arrows does not.
    let walking = false;
    composer.addEventListener("keydown", (event) => { walking = event.key.startsWith("Arrow") && event.target.matches("[name=kind]"); }, true);
    composer.addEventListener("click", (event) => {
      const area = event.target.matches("[name=kind]") && !walking && one(`textarea[name=${kind()}]`, composer);
      if (area && !area.disabled) area.focus();
    });
    composer.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        const send = one(`.say-${kind()}`, composer);
        if (!send.disabled) composer.requestSubmit(send);
      }
    });
    // Files: named beside the button, by picking, dropping or pasting.
    const files = one("[name=uploads]", composer), chosen = one("[data-chosen]", composer);
    const tell = () => { chosen.textContent = [...files.files].map((file) => file.name).join(", "); };
    const add = (list) => {
      const all = new DataTransfer();
      [...files.files, ...list].forEach((file) => all.items.add(file));
      files.files = all.files;
      tell();
    };
    files.addEventListener("change", tell);
    composer.addEventListener("paste", (event) => { if (kind() === "reply" && event.clipboardData.files.length) add(event.clipboardData.files); });
    composer.addEventListener("dragover", (event) => { if (kind() === "reply") event.preventDefault(); });
    composer.addEventListener("drop", (event) => {
      if (kind() !== "reply" || !event.dataTransfer.files.length) return;
      event.preventDefault();
      add(event.dataTransfer.files);
    });
    composer.addEventListener("htmx:afterRequest", (event) => {
      // A doubt or a field to mend (422) is shown in the composer: nothing was said yet.
      if (event.detail.elt !== composer || !event.detail.successful || event.detail.xhr.status === 422) return;
      one("#composer-problem").replaceChildren();
      // What was said leaves the composer; what was typed while it was on its way stays.
      const sent = event.detail.requestConfig.parameters, area = one(`textarea[name=${sent.kind}]`, composer);
      if (area.value !== (sent[sent.kind] || "")) return;
      area.value = "";
      if (sent.kind === "reply") { files.value = ""; tell(); }
      one("[data-taken]", composer).replaceChildren();
      stored(() => localStorage.removeItem(name(area)));
      one("[name=wait]", composer).checked = false;
      area.blur();
    });
  }

  // -- actions open in one dialog and leave it when they are done
  const dialog = one("#act");
  if (dialog) {
    const body = one("#act-body");
    const asks = (event) => event.detail.target === body && event.detail.requestConfig.verb === "get";
    // Open before the answer is here: what is typed meanwhile must not press the keys of the page.
    document.addEventListener("htmx:beforeRequest", (event) => {
      if (!asks(event)) return;
      body.replaceChildren();
      if (!dialog.open) dialog.showModal();
    });
    document.addEventListener("htmx:afterRequest", (event) => {
      if (asks(event) && !event.detail.successful) dialog.close();
    });
    document.addEventListener("htmx:afterSwap", (event) => {
      if (event.target !== body || !body.childElementCount) return; // an action done: nothing to ask
      if (!dialog.open) dialog.showModal();
      (one("[aria-invalid=true], [autofocus]", dialog) || dialog).focus();
    });
    dialog.addEventListener("htmx:afterRequest", (event) => {
      if (event.detail.elt.matches("[data-act]") && event.detail.xhr.status !== 422) dialog.close();
    });
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
    // What was asked is answered: an action beside the dialog that answers into it opens it only with something to ask.
    dialog.addEventListener("close", () => body.replaceChildren());
  }

  // -- a macro is taken into the text of its kind, where the caret stands
  document.addEventListener("click", (event) => {
    const macro = event.target.closest("[data-insert]");
    if (!macro || !composer) return;
    dialog.close();
    one(`[name=kind][value=${macro.dataset.kind}]`, composer).checked = true;
    // What it does stands below the words until they are sent; taken again it stands there once.
    const taken = one("[data-taken]", composer), deed = one("template", macro)?.content.cloneNode(true);
    if (deed && !all("[name=macro]", taken).some((other) => other.value === one("[name=macro]", deed).value)) taken.append(deed);
    const area = one(`textarea[name=${macro.dataset.kind}]`, composer);
    if (area.disabled || !macro.dataset.insert) { composer.focus(); return; }
    area.focus();
    const gap = area.value && area.selectionStart === area.value.length ? "\n\n" : ""; // a second one follows the first
    area.setRangeText(gap + macro.dataset.insert, area.selectionStart, area.selectionEnd, "end");
    area.dispatchEvent(new Event("input", { bubbles: true }));
    if ("wait" in macro.dataset) one("[name=wait]", composer).checked = true;
  });

  document.addEventListener("click", (event) => event.target.closest(".taken [data-leave]")?.closest(".taken").remove());

  // -- a question to a colleague: what was said leaves its line; what is closed takes no more
  document.addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.elt.matches("[data-said]") && event.detail.successful) event.detail.elt.reset();
  });
  const shut = () => all(".thread:has([data-state=closed]) form").forEach((form) => form.remove());
  document.addEventListener("htmx:afterSettle", shut);
  document.addEventListener("htmx:oobAfterSwap", shut);

  // -- choosing a reason by typing
  document.addEventListener("input", (event) => {
    const list = event.target.dataset.narrow && one(event.target.dataset.narrow);
    if (!list) return;
    const words = event.target.value.toLowerCase().split(/\s+/).filter(Boolean);
    all("[data-words]", list).forEach((pick) => { pick.hidden = !words.every((word) => pick.dataset.words.toLowerCase().includes(word)); });
    all("fieldset", list).forEach((group) => { group.hidden = !one("[data-words]:not([hidden])", group); });
    const first = words.length && one("[data-words]:not([hidden]) input", list);
    if (first) first.checked = true;
  });
  // Enter in such a search takes the first that is left, where the choices are buttons.
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !event.target.matches?.("[data-narrow]")) return;
    const first = one(`${event.target.dataset.narrow} button[data-words]:not([hidden])`);
    if (first) { event.preventDefault(); first.click(); }
  });

  // -- a time (or a word) to choose instead of typing it
  document.addEventListener("click", (event) => {
    const pick = event.target.closest("[data-fill]");
    if (!pick) return;
    const field = one(pick.dataset.fill);
    field.value = pick.dataset.value;
    const next = one("[required]:invalid", field.form) || one("[type=submit]", field.form);
    next.focus();
  });

  // -- live
  // Colleagues are told who writes: whoever has typed in the last half minute.
  let typed = { kind: "", at: 0 };
  if (composer) composer.addEventListener("input", (event) => { if (event.target.matches("textarea")) typed = { kind: event.target.value ? event.target.name : "", at: Date.now() }; });
  document.addEventListener("htmx:configRequest", (event) => {
    if (event.target.id === "live" && Date.now() - typed.at < 30000) event.detail.parameters.doing = typed.kind;
  });
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.target.id === "live" && document.hidden) event.preventDefault();
  });
  // An answer to a writer and an answer to the clock may both bring the same moment.
  document.addEventListener("htmx:oobBeforeSwap", (event) => {
    // (A whole timeline, as after a merge, takes the place of the one that is there.)
    if (event.detail.target.id !== "moments" || one("#moments", event.detail.fragment)) return;
    all("li[id]", event.detail.fragment).forEach((item) => { if (document.getElementById(item.id)) item.remove(); });
  });
  const freshen = () => all("time[data-fresh]").forEach((time) => {
    const seconds = Math.max(0, Math.round((Date.now() - new Date(time.dateTime)) / 1000));
    time.textContent = time.dataset.fresh.replace("%s", seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min`);
  });
  setInterval(freshen, 5000);
  document.addEventListener("htmx:afterSettle", freshen);
})();
