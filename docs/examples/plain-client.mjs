// Follows one table with nothing but fetch and @microsoft/signalr. Prints one line of JSON for each thing that happens.
//
//   node plain-client.mjs http://127.0.0.1:8080 "$ANON_KEY" public.project_tasks "status=eq.review"
//
// Several filters make several subscriptions on one channel.

import { HubConnectionBuilder, LogLevel } from "@microsoft/signalr";

const [url, apikey, table = "", ...filters] = process.argv.slice(2);
const [schema, name] = table.includes(".") ? table.split(".", 2) : ["public", table];
if (url === undefined || apikey === undefined || name === "") {
  console.error("Usage: node plain-client.mjs URL KEY [SCHEMA.]TABLE [FILTER...]");
  process.exit(2);
}

const entry = { event: "*", schema, table: name };
const subscriptions = filters.length === 0 ? [entry] : filters.map((filter) => ({ ...entry, filter }));
const print = (what) => console.log(JSON.stringify(what));

// Positions outlive a session, so that a change that is sent again after a reconnect is known for what it is.
const last = new Map();

for (let failures = 0; ; ) {
  try {
    await session(() => (failures = 0));
  } catch (error) {
    print({ failed: error.message });
    if (error.isFinal) {
      process.exit(1);
    }
  }
  // At random, so that a thousand clients of a service that restarts do not come back in the same instant.
  const wait = Math.random() * Math.min(30_000, 1_000 * 2 ** failures++);
  await new Promise((resolve) => setTimeout(resolve, wait));
}

/** One session, from negotiate to the end of its connection. */
async function session(whenJoined) {
  const { url: hubUrl, accessToken, sessionToken } = await post("negotiate");
  const connection = new HubConnectionBuilder()
    .withUrl(hubUrl, { accessTokenFactory: () => accessToken, withCredentials: false })
    .configureLogging(LogLevel.None)
    .build();
  const ended = new Promise((resolve) => connection.onclose(resolve));

  // Changes may come before the answer to the join says which numbers are ours. They are kept until then.
  let ids;
  const early = [];
  connection.on("postgres_changes", (message) => (ids === undefined ? early.push(message) : receive(message, ids)));
  connection.on("system", ({ status, message }) => print({ note: message, status }));
  connection.on("close", ({ reason }) => {
    print({ closed: reason });
    void connection.stop();
  });

  await connection.start();
  try {
    const join = { topic: "plain", config: { postgres_changes: subscriptions } };
    const answer = await post("channels/join", join, { "x-realtime-session": sessionToken });
    answer.system.forEach(({ status, message }) => print({ note: message, status }));
    print({ subscribed: `${schema}.${name}` });
    whenJoined();
    ids = answer.postgres_changes.map(({ id }) => id);
    early.splice(0).forEach((message) => receive(message, ids));
    const problem = await ended;
    print({ disconnected: problem?.message ?? "the connection was closed" });
  } finally {
    await connection.stop();
  }
}

/** Prints the changes of a message that are ours and new. */
function receive({ ids, epoch, schema: from, table: of, changes }, ours) {
  // A subscription is known by its place in the join: its number may be another one in the next session.
  const places = ours.flatMap((id, place) => (ids.includes(id) ? [place] : []));
  for (const { position, type, commit_timestamp, record, old_record } of changes) {
    const fresh = places.filter((place) => advance(JSON.stringify([place, from, of, epoch]), position));
    if (fresh.length > 0) {
      const which = filters.length > 1 ? { filters: fresh.map((place) => filters[place]) } : {};
      print({ type, table: `${from}.${of}`, ...which, commit_timestamp, new: record, old: old_record });
    }
  }
}

/** Whether a change is new to its stream: one subscription, one table, one epoch. Another subscription may be ahead or behind. */
function advance(stream, position) {
  const isNew = isAfter(position, last.get(stream));
  if (isNew) {
    last.set(stream, position);
  }
  return isNew;
}

/** Whether a position such as 0/16B3790:3 comes after another. */
function isAfter(position, former) {
  const parts = (text) => {
    const [, high, low, index] = /^([0-9A-F]+)\/([0-9A-F]+):(\d+)$/i.exec(text);
    return [(BigInt(`0x${high}`) << 32n) + BigInt(`0x${low}`), BigInt(index)];
  };
  if (former === undefined) {
    return true;
  }
  const [[lsn, index], [formerLsn, formerIndex]] = [parts(position), parts(former)];
  return lsn > formerLsn || (lsn === formerLsn && index > formerIndex);
}

/** Calls a route; an error says whether trying the same again can help. */
async function post(route, body, headers = {}) {
  const response = await fetch(`${url}/realtime/v1/${route}`, {
    method: "POST",
    headers: { apikey, ...headers, ...(body === undefined ? {} : { "content-type": "application/json" }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(15_000),
  });
  const answer = await response.json().catch(() => ({}));
  if (response.ok) {
    return answer;
  }
  const passing = [408, 409, 425, 429].includes(response.status) || response.status >= 500;
  throw Object.assign(new Error(`${answer.code ?? response.status}: ${answer.message ?? route}`), { isFinal: !passing });
}
