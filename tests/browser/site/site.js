// Asks the server in every way that a page can, and tells the test what came back.

const pad = "abcdefghijklmnopqrstuvwxyz".repeat(50_000); // more than any window

function next_event(target, name) {
  return new Promise((resolve, reject) => {
    target.addEventListener(name, resolve, { once: true });
    target.addEventListener("error", () => reject(new Error(`${name} did not come`)), { once: true });
  });
}

async function who(path) {
  const answer = await fetch(path);
  const { padding, ...facts } = await answer.json();
  return { ...facts, redirected: answer.redirected, padding: padding.length };
}

async function digest() {
  const bytes = new TextEncoder().encode(pad);
  const ours = await crypto.subtle.digest("SHA-256", bytes);
  const hex = [...new Uint8Array(ours)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const theirs = await (await fetch("/app/digest", { method: "POST", body: bytes })).json();
  return { bytes: theirs.bytes, same: theirs.sha256 === hex };
}

async function range() {
  const answer = await fetch("/numbers.txt", { headers: { Range: "bytes=10-19" } });
  return { status: answer.status, text: await answer.text() };
}

async function events() {
  const source = new EventSource("/app/events");
  const all = [];
  while (all.length < 3) all.push((await next_event(source, "message")).data);
  source.close();
  return all;
}

async function socket() {
  const socket = new WebSocket(`wss://${location.host}/app/socket`, ["shout"]);
  socket.binaryType = "arraybuffer";
  await next_event(socket, "open");
  socket.send("grüße");
  const text = (await next_event(socket, "message")).data;
  socket.send(new Uint8Array(100_000));
  const bytes = (await next_event(socket, "message")).data.byteLength;
  const closed = next_event(socket, "close");
  socket.close(1000);
  const { code, wasClean } = await closed;
  return { protocol: socket.protocol, extensions: socket.extensions, text, bytes, code, clean: wasClean };
}

// Of every resource: over which protocol, and how many bytes came for how many.
function resources() {
  return performance.getEntriesByType("resource").concat(performance.getEntriesByType("navigation")).map((entry) => ({
    path: new URL(entry.name).pathname,
    protocol: entry.nextHopProtocol,
    coded: entry.encodedBodySize,
    plain: entry.decodedBodySize,
  }));
}

async function look() {
  return {
    colour: getComputedStyle(document.querySelector("h1")).color,
    first: await who("/app/who"),
    second: await who("/app/go"),
    digest: await digest(),
    range: await range(),
    events: await events(),
    socket: await socket(),
    many: (await Promise.all(Array.from({ length: 100 }, (_, i) => fetch(`/numbers.txt?${i}`)))).every((a) => a.ok),
    resources: resources(),
  };
}

const found = await look().catch((error) => ({ error: String(error) }));
await fetch("/app/found", { method: "POST", body: JSON.stringify(found) });
