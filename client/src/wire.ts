import { CallError } from "./errors.js";
import { readPosition } from "./position.js";

/** A JSON object of which nothing else is known. */
export type JsonObject = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The answer of `negotiate`. */
export interface Negotiated {
  readonly url: string;
  readonly accessToken: string;
  readonly session: string;
  readonly sessionToken: string;
}

/** A note on a subscription, for the developer. */
export interface SystemNote {
  readonly extension: string;
  readonly status: string;
  readonly message: string;
}

/** A place in the log up to which nothing is missing. Positions of different epochs cannot be compared. */
export interface Cursor {
  readonly epoch: string;
  readonly position: string;
}

/** One channel's part of an answer of join, leave or access-token. */
export type ChannelAnswer =
  | {
      readonly status: "ok";
      readonly ids: readonly number[];
      readonly system: readonly SystemNote[];
      /** Of a join: who is present, and the kept messages, as the service wrote them. */
      readonly presence: unknown;
      readonly replay: unknown;
      /** Of a join with subscriptions; absent where the service cannot resume. */
      readonly cursor: Cursor | undefined;
    }
  | { readonly status: "error"; readonly statusCode: number; readonly code: string; readonly message: string };

/** One row change, as it goes on to supabase-js. */
export interface Change extends JsonObject {
  readonly position: string;
  readonly type: string;
}

/** The invocation `postgres_changes`. */
export interface ChangesMessage {
  readonly ids: readonly number[];
  readonly epoch: string;
  readonly schema: string;
  readonly table: string;
  readonly columns: readonly unknown[];
  /** The position of the last change sent before these; null where the sender does not know. */
  readonly previous: string | null;
  readonly changes: readonly Change[];
}

/** The invocations `system` and `close`; absent `topics` and `ids` mean every channel. */
export interface ScopedMessage {
  readonly topics: readonly string[] | undefined;
  readonly ids: readonly number[] | undefined;
  readonly body: JsonObject;
}

export function parseNegotiated(value: unknown): Negotiated | undefined {
  if (!isObject(value)) {
    return undefined;
  }
  const { url, accessToken, session, sessionToken } = value;
  return typeof url === "string" && typeof accessToken === "string" && typeof sessionToken === "string"
    ? { url, accessToken, session: typeof session === "string" ? session : "", sessionToken }
    : undefined;
}

/** The parts of an answer that stand in the order of the question; undefined where there are not `count` of them. */
export function parseAnswers(value: unknown, count: number): readonly ChannelAnswer[] | undefined {
  const answers = parseParts(value, "channels");
  return answers?.length === count ? answers : undefined;
}

/** The parts of an answer by topic, where they may stand in any order. */
export function parseAnswersByTopic(value: unknown): ReadonlyMap<string, ChannelAnswer> | undefined {
  const channels = isObject(value) ? value["channels"] : undefined;
  return Array.isArray(channels)
    ? new Map(channels.filter(isObject).map((channel) => [String(channel["topic"]), parseAnswer(channel)]))
    : undefined;
}

function parseAnswer(value: unknown): ChannelAnswer {
  if (!isObject(value) || (value["status"] !== "ok" && value["status"] !== "error")) {
    return { status: "error", statusCode: 0, code: "UnexpectedAnswer", message: "The service's answer has no 'status'." };
  }
  if (value["status"] === "error") {
    const { status, code, message } = parseError(value);
    return { status: "error", statusCode: status, code, message };
  }
  return {
    status: "ok",
    ids: listOf(value["postgres_changes"]).map((entry) => Number(entry["id"])),
    system: listOf(value["system"]).map(({ extension, status, message }) => ({
      extension: String(extension ?? "system"),
      status: String(status ?? "ok"),
      message: String(message ?? ""),
    })),
    presence: value["presence"],
    replay: value["replay"],
    cursor: parseCursor(value["cursor"]),
  };
}

/** Reads what is wrong with one part of an answer. */
export function parseError({ statusCode, code, message }: JsonObject): CallError {
  return new CallError(typeof statusCode === "number" ? statusCode : 0, String(code ?? "Unknown"), String(message ?? "The service gave no reason."));
}

/** Reads a cursor, as answers and the invocation `progress` have it. */
export function parseCursor(value: unknown): Cursor | undefined {
  const { epoch, position }: JsonObject = isObject(value) ? value : {};
  return typeof epoch === "string" && readPosition(position) !== undefined ? { epoch, position: String(position) } : undefined;
}

/** What became of each broadcast of a call, in order: nothing, or why it was not sent. Throws where they are not `count`. */
export function parseOutcomes(value: unknown, count: number): readonly (CallError | undefined)[] {
  const answers = parseParts(value, "messages");
  if (answers?.length !== count) {
    throw new CallError(0, "UnexpectedAnswer", `broadcast was not answered with ${count} messages.`);
  }
  return answers.map((answer) => (answer.status === "ok" ? undefined : new CallError(answer.statusCode, answer.code, answer.message)));
}

/** The answer to a heartbeat; what is absent of it changes nothing. */
export function parseBeat(value: unknown): { readonly intervalMs: number | undefined; readonly tracked: ReadonlySet<unknown> | undefined } {
  const { tracked }: JsonObject = isObject(value) ? value : {};
  return { intervalMs: parseInterval(value), tracked: Array.isArray(tracked) ? new Set<unknown>(tracked) : undefined };
}

/** How often the service wants a heartbeat: of the answers to a heartbeat and to track, and of `presence` in the answer to a join. */
export function parseInterval(value: unknown): number | undefined {
  const { interval }: JsonObject = isObject(value) ? value : {};
  return typeof interval === "number" && Number.isFinite(interval) ? interval * 1000 : undefined;
}

function parseParts(value: unknown, name: string): readonly ChannelAnswer[] | undefined {
  const parts = isObject(value) ? value[name] : undefined;
  return Array.isArray(parts) ? parts.map(parseAnswer) : undefined;
}

export function parseChanges(value: unknown): ChangesMessage | undefined {
  if (!isObject(value)) {
    return undefined;
  }
  const { ids, epoch, schema, table, columns, previous, changes } = value;
  return numbers(ids) !== undefined && typeof schema === "string" && typeof table === "string" && Array.isArray(changes)
    ? {
        ids: numbers(ids) ?? [],
        epoch: String(epoch ?? ""),
        schema,
        table,
        columns: Array.isArray(columns) ? columns : [],
        previous: typeof previous === "string" ? previous : null,
        changes: changes.filter(isChange),
      }
    : undefined;
}

export function parseScoped(value: unknown): ScopedMessage | undefined {
  if (!isObject(value)) {
    return undefined;
  }
  const topics = value["topics"];
  return {
    topics: Array.isArray(topics) ? topics.filter((topic) => typeof topic === "string") : undefined,
    ids: numbers(value["ids"]),
    body: value,
  };
}

function isChange(value: unknown): value is Change {
  return isObject(value) && typeof value["position"] === "string" && typeof value["type"] === "string";
}

function numbers(value: unknown): readonly number[] | undefined {
  return Array.isArray(value) ? value.filter((id) => typeof id === "number") : undefined;
}

export function listOf(value: unknown): readonly JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}
