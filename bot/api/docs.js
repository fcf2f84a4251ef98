// Tries a call of this page out. It is served by the program itself; the page's policy allows no other script.
"use strict";

const LONGEST = 100000; // characters shown of an answer

function fieldsOf(form) {
  return [...form.querySelectorAll("input[data-in], textarea[data-in]")];
}

function addressOf(form) {
  let path = form.dataset.path;
  const query = new URLSearchParams();
  for (const field of fieldsOf(form)) {
    if (field.dataset.in === "path") path = path.replace(`{${field.name}}`, encodeURIComponent(field.value));
    if (field.dataset.in === "query" && field.value !== "") query.append(field.name, field.value);
  }
  return query.size ? `${path}?${query}` : path;
}

function requestOf(form) {
  const token = document.getElementById("token");
  const body = form.querySelector("textarea");
  const headers = {};
  if (token && token.value) headers.Authorization = `Bearer ${token.value.trim()}`;
  if (body) headers["Content-Type"] = "application/json";
  return { method: form.dataset.method, headers, body: body ? body.value : undefined, credentials: "same-origin" };
}

function pretty(text, type) {
  if (!type.includes("json")) return text;
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

async function send(event) {
  event.preventDefault();
  const form = event.currentTarget;
  const output = form.querySelector("output");
  const address = addressOf(form);
  const line = `${form.dataset.method} ${address}`;
  if (form.dataset.asks && !window.confirm(`${form.dataset.asks}\n\n${line}`)) return;
  output.textContent = `${line} ...`;
  try {
    const answer = await fetch(address, requestOf(form));
    if (answer.headers.has("Content-Disposition")) {
      await answer.body.cancel();
      output.textContent = `${line}\n${answer.status} ${answer.statusText}\n\n(a file: open the address to keep it)`;
      return;
    }
    const shown = pretty(await answer.text(), answer.headers.get("Content-Type") || "");
    const cut = shown.length > LONGEST ? "\n(cut here)" : "";
    output.textContent = `${line}\n${answer.status} ${answer.statusText}\n\n${shown.slice(0, LONGEST)}${cut}`;
  } catch (error) {
    output.textContent = `${line}\nno answer: ${error.message}`;
  }
}

for (const form of document.querySelectorAll("form.try")) {
  form.addEventListener("submit", send);
  form.hidden = false;
}
for (const part of document.querySelectorAll(".with-script")) part.hidden = false;
