// Keeps live pages fresh. Everything works without this.
(() => {
  "use strict";
  const main = document.querySelector("main[data-live]");
  // A form that asks twice before something that cannot be taken back.
  document.addEventListener("submit", (event) => {
    const button = event.submitter;
    if (button && button.classList.contains("bad") && !confirm(button.textContent + "?")) {
      event.preventDefault();
    }
  });
  // A file is read into the field it could be pasted into; nothing is sent before the form is.
  for (const area of document.querySelectorAll("textarea[name=csv]")) {
    const pick = document.createElement("input");
    pick.type = "file";
    pick.accept = ".csv,.tsv,.txt";
    pick.addEventListener("change", async () => {
      if (!pick.files.length) return;
      const bytes = new Uint8Array(await pick.files[0].arrayBuffer());
      const wide = bytes[0] === 0xff && bytes[1] === 0xfe ? "utf-16le" : "utf-8";
      try {
        area.value = new TextDecoder(wide, { fatal: true }).decode(bytes);
      } catch {
        area.value = new TextDecoder("windows-1252").decode(bytes);
      }
    });
    area.before(pick);
  }
  if (!main || !window.EventSource) return;
  let busy = false;
  let again = false;
  const refresh = async () => {
    // Nobody's half-typed form is taken away.
    const typing = document.activeElement && document.activeElement.matches("input, textarea, select");
    if (busy || typing || document.hidden || document.querySelector("main details[open]")) { again = true; return; }
    busy = true;
    try {
      const answer = await fetch(location.href, { credentials: "same-origin" });
      if (answer.ok && !answer.redirected) {
        const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
        const there = fresh.querySelector("main");
        const nav = fresh.querySelector("header nav");
        if (there) main.replaceChildren(...there.childNodes);
        const old = document.querySelector("header nav");
        if (nav && old) old.replaceChildren(...nav.childNodes);
      }
    } finally { busy = false; again = false; }
  };
  const source = new EventSource(main.dataset.live);
  source.addEventListener("news", refresh);
  document.addEventListener("visibilitychange", () => { if (!document.hidden && again) refresh(); });
})();
