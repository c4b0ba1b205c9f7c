// Polls /hits.json every second and changes only what has changed, so that focus and reading stay put.
// The HTML in the answer was escaped by the box; the page's policy runs no script but this file.
"use strict";
(() => {
  const main = document.getElementById("hits");
  const side = document.getElementById("status");
  const link = document.getElementById("link");
  const said = document.getElementById("said");
  let known = new Map([...main.querySelectorAll("article")].map((a) => [a.id, a]));

  const local = (root) => {
    for (const t of root.querySelectorAll("time[datetime]")) {
      const at = new Date(t.dateTime);
      const today = at.toDateString() === new Date().toDateString();
      t.title = t.dateTime;
      t.textContent = today ? at.toLocaleTimeString("en-GB") : at.toLocaleString("en-GB");
    }
  };

  // By the box's clock, not the screen's; the same words as page.rs writes.
  const agos = (now) => {
    for (const span of main.querySelectorAll(".ago")) {
      const s = Math.max(0, Math.floor((now - new Date(span.dataset.at)) / 1000));
      const [m, h, d] = [Math.floor(s / 60), Math.floor(s / 3600), Math.floor(s / 86400)];
      const text = s < 60 ? `${s} s` : m < 60 ? `${m} min` : h < 24 ? `${h} h ${m % 60} min` : `${d} d ${h % 24} h`;
      span.textContent = text + " ago";
    }
  };

  // Who answers types a name once; this screen remembers it.
  const who = document.getElementById("who");
  const name = document.getElementById("name");
  const buttons = (root) => {
    if (who) for (const group of root.querySelectorAll(".answers")) group.hidden = false;
  };
  if (who) {
    who.hidden = false;
    if (!name.readOnly) {
      name.value = localStorage.getItem("who") || "";
      name.addEventListener("change", () => localStorage.setItem("who", name.value.trim()));
    }
    main.addEventListener("click", async (event) => {
      const button = event.target.closest("button[data-outcome]");
      if (!button) return;
      if (!name.value.trim()) {
        said.textContent = "Say who answers first";
        name.focus();
        return;
      }
      const hit = button.closest("article").id.slice("hit-".length);
      const group = button.parentElement;
      for (const b of group.children) b.disabled = true;
      let text;
      try {
        const answer = await fetch("/hits/" + hit + "/outcome", {
          method: "POST",
          headers: { "Content-Type": "application/json" },
          body: JSON.stringify({ outcome: button.dataset.outcome, by: name.value.trim() }),
          signal: AbortSignal.timeout(8000),
        });
        text = answer.ok ? "Answered: " + button.textContent : await answer.text();
        if (!answer.ok) group.dataset.failed = text;
        else delete group.dataset.failed;
      } catch {
        text = "The answer did not reach the box";
        group.dataset.failed = text;
      }
      said.textContent = text;
      for (const b of group.children) b.disabled = false;
    });
  }

  const article = (html) => {
    const template = document.createElement("template");
    template.innerHTML = html;
    local(template.content);
    buttons(template.content);
    return template.content.querySelector("article");
  };

  const show = (hits) => {
    const next = new Map();
    let before = null;
    for (const hit of hits) {
      const id = "hit-" + hit.id;
      let node = known.get(id);
      if (!node) {
        node = article(hit.html);
        node.classList.add("fresh");
        said.textContent = node.getAttribute("aria-label") + ", camera " + hit.camera;
      } else if (node.dataset.rev !== hit.rev) {
        const focused = document.activeElement;
        const pressed = node.contains(focused) && focused.dataset.outcome;
        const changed = article(hit.html);
        node.replaceWith(changed);
        if (focused === node) changed.focus();
        else if (pressed) changed.querySelector(`button[data-outcome="${pressed}"]`)?.focus();
        node = changed;
        if (hit.state === "withdrawn") said.textContent = "Withdrawn: " + hit.matched;
      }
      if (before ? before.nextElementSibling !== node : main.firstElementChild !== node) {
        if (before) before.after(node);
        else main.prepend(node);
      }
      next.set(id, node);
      before = node;
    }
    for (const [id, node] of known) if (!next.has(id)) node.remove();
    known = next;
  };

  let last = new Date();
  const poll = async () => {
    try {
      const answer = await fetch("/hits.json", { cache: "no-store", signal: AbortSignal.timeout(4000) });
      if (answer.status === 401) {
        location.assign("/login");
        return;
      }
      if (!answer.ok) throw new Error(answer.status);
      const live = await answer.json();
      show(live.hits);
      agos(new Date(live.now));
      side.innerHTML = live.status;
      local(side);
      last = new Date();
      if (link.className !== "link live") {
        link.className = "link live";
        link.textContent = "live";
      }
    } catch {
      link.className = "link lost";
      link.textContent = "No answer from the box since " + last.toLocaleTimeString("en-GB");
    }
    setTimeout(poll, 1000);
  };
  local(document);
  buttons(document);
  poll();
})();
