"use strict";
// Brings a page up to date by itself. Everything works without: a reload shows the same.

// Changes only what differs, so that focus, selection and what was opened stay as they are.
function merge(now, next) {
  if (now.isEqualNode(next)) return;
  if (now.nodeType !== Node.ELEMENT_NODE || now.nodeName !== next.nodeName || now.id !== next.id) {
    now.replaceWith(document.importNode(next, true));
    return;
  }
  for (const { name, value } of next.attributes) if (now.getAttribute(name) !== value) now.setAttribute(name, value);
  for (const { name } of [...now.attributes]) {
    if (!next.hasAttribute(name) && !(name === "open" && now.nodeName === "DETAILS")) now.removeAttribute(name);
  }
  const [have, want] = [[...now.childNodes], [...next.childNodes]];
  want.forEach((node, i) => (have[i] ? merge(have[i], node) : now.append(document.importNode(node, true))));
  have.slice(want.length).forEach((node) => node.remove());
}

const parse = (html) => new DOMParser().parseFromString(html, "text/html");

// Fetches the page again and takes over the parts of it that are marked as living.
async function refresh() {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (!answer.ok) return;
  const page = parse(await answer.text());
  for (const part of document.querySelectorAll("[data-live]")) {
    const next = page.getElementById(part.id);
    if (next) merge(part, next);
  }
}

// The stream is open only while the page is looked at: a browser has few connections to one server.
let stream = null;
let wasOpen = false;
function follow() {
  const address = document.querySelector("[data-events]")?.dataset.events;
  if (!address) return;
  if (document.hidden) {
    stream?.close();
    stream = null;
  } else if (!stream) {
    stream = new EventSource(address);
    stream.addEventListener("jobs", (event) => {
      const next = parse(event.data).getElementById("jobs");
      const now = document.getElementById("jobs");
      if (now && next) merge(now, next);
    });
    // After a break the page may be older than the stream's first events.
    stream.addEventListener("open", () => (wasOpen ? refresh().catch(() => {}) : (wasOpen = true)));
    stream.addEventListener("changed", () => refresh().catch(() => {}));
  }
}
document.addEventListener("visibilitychange", follow);
follow();

// What a button did is said once: a reload, or the address given to somebody else, should not say it again.
const shown = new URL(location.href);
if (shown.searchParams.has("done")) {
  shown.searchParams.delete("done");
  history.replaceState(null, "", shown);
}

// What may be typed next into a search box.
const TYPING_PAUSE = 150; // milliseconds
async function suggest(box) {
  const answer = await fetch(`${box.dataset.suggestions}?${new URLSearchParams({ q: box.value })}`);
  if (!answer.ok) return;
  const { suggestions } = await answer.json();
  box.list.replaceChildren(
    ...suggestions.map(({ text, meaning }) => {
      const option = document.createElement("option");
      [option.value, option.label] = [text, meaning ? `${text} (${meaning})` : text];
      return option;
    }),
  );
}
for (const box of document.querySelectorAll("[data-suggestions]")) {
  let typing = 0;
  box.addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(() => suggest(box).catch(() => {}), TYPING_PAUSE);
  });
}

// At the live end of a channel new messages appear by themselves, and the last ones change, while it is looked at.
const LOOK_EVERY = 3000; // milliseconds
const LOOKED_AT_AGAIN = 10; // messages
const tail = document.querySelector("[data-tail]");
async function followTail() {
  if (document.hidden) return;
  const shown = [...tail.querySelectorAll(".message")].map((entry) => entry.dataset.id);
  const place = new URLSearchParams({ after: shown.at(-LOOKED_AT_AGAIN - 1) ?? "0", from: shown[0] ?? "0" });
  const answer = await fetch(`${tail.dataset.tail}?${place}`, { headers: { Accept: "text/html" } });
  if (answer.status !== 200) return;
  const isAtEnd = window.innerHeight + window.scrollY >= document.body.scrollHeight - 200;
  for (const day of parse(await answer.text()).getElementById("messages").children) {
    const have = document.getElementById(day.id);
    if (!have) tail.append(document.importNode(day, true));
    else for (const entry of day.querySelectorAll(".message")) {
      const now = document.getElementById(entry.id);
      if (!now) have.append(document.importNode(entry, true));
      else if (!now.matches(".target")) merge(now, entry);
    }
  }
  const isLonger = tail.querySelectorAll(".message").length > shown.length;
  if (isAtEnd && isLonger) document.getElementById("end").scrollIntoView();
}
if (tail) {
  setInterval(() => followTail().catch(() => {}), LOOK_EVERY);
  if (!location.hash && !document.querySelector(".target")) document.getElementById("end").scrollIntoView();
}
