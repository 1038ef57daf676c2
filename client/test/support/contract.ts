/** A call as it comes in over HTTP. */
export interface RawCall {
  readonly method: string;
  readonly route: string;
  readonly text: string;
  readonly headers: Headers;
}

type Body = Record<string, unknown>;

const mostBytes = 256 * 1024;

/** Checks a call as strictly as docs/protocol.md is written, by a session that has joined `topics`; answers its body. */
export function checkCall({ method, route, text, headers }: RawCall, topics: ReadonlySet<string>): Body {
  const isPresenceQuestion = /^presence\/[^/?]+\?private=(true|false)$/.test(route);
  expectThat(method === (isPresenceQuestion ? "GET" : "POST"), `${method} ${route} is no route of the service.`);
  expectThat(text === "" || headers.get("content-type") === "application/json", "A body is JSON and says so.");
  expectThat(new TextEncoder().encode(text).length <= mostBytes, "The body is over 256 KiB.");
  const body = text === "" ? {} : (JSON.parse(text) as Body);
  if (isPresenceQuestion) {
    expectThat(text === "", "A question has no body.");
    expectThat(/^Bearer .+/.test(headers.get("authorization") ?? ""), "Who asks is not said.");
    return body;
  }
  switch (route) {
    case "negotiate":
      only(body, []);
      break;
    case "channels/join":
      only(body, ["channels"]);
      some(body["channels"]).forEach((channel) => {
        only(channel, ["topic", "access_token", "config"]);
        checkTopic(channel["topic"]);
      });
      break;
    case "channels/leave":
      only(body, ["channels"]);
      some(body["channels"]).forEach((channel) => only(channel, ["topic"]));
      break;
    case "channels/resume":
      only(body, ["channels"]);
      some(body["channels"]).forEach(checkResume);
      break;
    case "channels/access-token":
      only(body, ["access_token", "topics"]);
      break;
    case "channels/broadcast":
      only(body, ["messages"]);
      some(body["messages"]).forEach(checkBroadcast);
      break;
    case "presence/track":
    case "presence/untrack":
      only(body, ["channels"]);
      some(body["channels"]).forEach((channel) => {
        only(channel, route === "presence/track" ? ["topic", "payload"] : ["topic"]);
        expectThat(topics.has(String(channel["topic"])), `The session has not joined '${String(channel["topic"])}'.`);
        expectThat(route === "presence/untrack" || isObject(channel["payload"]), "What is tracked is an object.");
      });
      break;
    case "presence/heartbeat":
      only(body, []);
      break;
    default:
      throw new Error(`${method} ${route} is no route of the service.`);
  }
  return body;
}

function checkBroadcast(message: Body): void {
  only(message, ["topic", "private", "event", "payload", "payload_base64", "from"]);
  checkTopic(message["topic"]);
  expectThat(typeof message["private"] === "boolean", "private is true or false.");
  expectThat(typeof message["event"] === "string" && message["event"] !== "", "A message names its event.");
  expectThat("payload" in message !== "payload_base64" in message, "A message has a payload of one kind.");
  expectThat(!("payload_base64" in message) || /^[A-Za-z0-9+/]*={0,2}$/.test(String(message["payload_base64"])), "Bytes are base64.");
  expectThat(typeof message["from"] === "string" && message["from"].length > 0 && message["from"].length <= 64, "from is a text of up to 64 characters.");
}

function checkResume(channel: Body): void {
  only(channel, ["topic", "subscriptions"]);
  checkTopic(channel["topic"]);
  const subscriptions = channel["subscriptions"] as readonly Body[];
  expectThat(subscriptions.length > 0, "A channel that resumes has subscriptions.");
  expectThat(new Set(subscriptions.map(({ id }) => id)).size === subscriptions.length, "A subscription resumes once.");
  subscriptions.forEach((subscription) => {
    only(subscription, ["id", "epoch", "position", "tables"]);
    expectThat(Number.isInteger(subscription["id"]), "A subscription has a number.");
    expectThat(typeof subscription["epoch"] === "string" && isPosition(subscription["position"]), "A subscription resumes from a cursor.");
    const tables = subscription["tables"] as readonly Body[];
    expectThat(tables.length <= 1_000, "At most 1,000 tables.");
    tables.forEach((table) => {
      only(table, ["schema", "table", "position"]);
      expectThat(isPosition(table["position"]), "A table has a position.");
    });
  });
}

function isPosition(value: unknown): boolean {
  return typeof value === "string" && /^[0-9A-F]+\/[0-9A-F]+:\d+$/.test(value);
}

function checkTopic(topic: unknown): void {
  expectThat(typeof topic === "string" && topic.length > 0 && topic.length <= 255 && !/^realtime:/i.test(topic), "A topic is 1 to 255 characters.");
}

/** The list of what a call is about: at least one, at most a hundred. */
function some(value: unknown): readonly Body[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > 100) {
    throw new Error("A call is about one to a hundred.");
  }
  return value as Body[];
}

function only(body: Body, members: readonly string[]): void {
  const unknown = Object.keys(body).filter((name) => !members.includes(name));
  expectThat(unknown.length === 0, `The protocol has no ${unknown.join(", ")} here.`);
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function expectThat(holds: boolean, otherwise: string): void {
  if (!holds) {
    throw new Error(otherwise);
  }
}
