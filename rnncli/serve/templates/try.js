"use strict";
const element = (name, text = "", kind = "") => {
  const made = document.createElement(name);
  made.textContent = text;
  if (kind) made.className = kind;
  return made;
};
const decoded = (text) => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
};
const shown = (value) => (typeof value === "string" ? value : JSON.stringify(value));
const shares = (row) => {
  const cell = element("td", "", "share");
  for (const [label, share] of Object.entries(row).sort((one, other) => other[1] - one[1]).slice(0, 5)) {
    const line = element("div"), meter = element("meter");
    meter.value = share;
    line.append(meter, ` ${(100 * share).toFixed(1)} % ${label}`);
    cell.append(line);
  }
  return cell;
};
const table = (rows) => {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const made = element("table"), head = element("tr");
  head.append(...names.map((name) => element("th", name.replaceAll("_", " "))));
  made.append(element("thead"), element("tbody"));
  made.tHead.append(head);
  for (const row of rows) {
    const line = element("tr"), numbers = (value) => value && typeof value === "object" && !Array.isArray(value)
      && Object.values(value).every((one) => typeof one === "number");
    line.append(...names.map((name) => numbers(row[name]) ? shares(row[name])
      : element("td", row[name] === undefined ? "" : shown(row[name]))));
    made.tBodies[0].append(line);
  }
  return made;
};
for (const section of document.querySelectorAll("[data-model]")) {
  const { model, kind } = section.dataset, path = `/predict/${encodeURIComponent(model)}`;
  const form = section.querySelector("form"), [said] = form.getElementsByTagName("output");
  const answer = section.querySelector(".answer"), text = form.querySelector("textarea");
  const file = form.querySelector("input"), place = location.origin + path;
  const example = kind === "texts" ? `-d '${JSON.stringify({ inputs: [text.value.replaceAll("'", "’")] })}'`
    : kind === "rows" ? "-H 'content-type: text/csv' --data-binary @history.csv"
    : `-H 'content-type: application/octet-stream' --data-binary @${section.querySelector("label").innerText.trim().split(" ").pop()}`;
  section.querySelector(".curl").textContent = `curl ${place} ${example}`;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    answer.replaceChildren();
    said.className = "faint";
    said.value = "...";
    const begun = performance.now();
    try {
      const ending = file ? `?type=${encodeURIComponent(file.files[0].name.split(".").pop())}` : "";
      const type = file ? "application/octet-stream" : kind === "texts" ? "text/plain"
        : text.value.trimStart().startsWith("[") || text.value.trimStart().startsWith("{") ? "application/json" : "text/csv";
      const response = await fetch(path + ending, { method: "POST", headers: { "content-type": type }, body: file ? file.files[0] : text.value });
      const body = await response.text();
      if (!response.ok) {
        const wrong = JSON.parse(body);
        throw new Error(wrong.try ? `${wrong.error}: ${wrong.try}` : wrong.error);
      }
      const lines = response.headers.get("content-type").includes("ndjson");
      const rows = lines ? body.trim().split("\n").map(JSON.parse) : JSON.parse(body).predictions;
      answer.append(table(rows));
      said.value = `${rows.length} in ${(performance.now() - begun).toFixed(0)} ms`;
    } catch (error) {
      said.className = "wrong";
      said.value = error.message;
    }
  });
  if (kind === "texts" && location.hash.length > 1) {
    text.value = decoded(location.hash.slice(1));
    form.requestSubmit();
  }
}
