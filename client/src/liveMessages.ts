import { isObject, type JsonObject } from "./wire.js";

/** One broadcast as the service brings it: JSON, or bytes as base64. */
export interface Broadcast {
  readonly event: string;
  readonly payload: unknown;
  readonly base64: string | undefined;
  /** What its sender chose for itself. */
  readonly from: string | undefined;
  readonly meta: JsonObject | undefined;
}

/** What every message about a topic says. The private and the public topic of one name are two. */
interface AboutTopic {
  readonly topic: string;
  readonly isPrivate: boolean;
}

/** The invocation `broadcast`. */
export interface BroadcastMessage extends AboutTopic {
  readonly kind: "broadcast";
  readonly messages: readonly Broadcast[];
}

/** The invocation `presence_diff`. */
export interface PresenceDiffMessage extends AboutTopic {
  readonly kind: "presence_diff";
  readonly previous: number;
  readonly version: number;
  readonly joins: JsonObject;
  readonly leaves: JsonObject;
}

/** The invocation `presence_state`; without `state` it has to be asked for. */
export interface PresenceStateMessage extends AboutTopic {
  readonly kind: "presence_state";
  readonly version: number;
  readonly state: JsonObject | undefined;
}

/** What belongs to a topic, and not to a subscription on it. */
export type LiveMessage = BroadcastMessage | PresenceDiffMessage | PresenceStateMessage;

/** Reads an invocation; undefined where it is not what the protocol says. */
export function parseLiveMessage(kind: LiveMessage["kind"], value: unknown): LiveMessage | undefined {
  if (!isObject(value) || typeof value["topic"] !== "string") {
    return undefined;
  }
  const about = { topic: value["topic"], isPrivate: value["private"] === true };
  const { messages, previous, version, joins, leaves, state } = value;
  switch (kind) {
    case "broadcast":
      return Array.isArray(messages) ? { kind, ...about, messages: parseBroadcasts(messages) } : undefined;
    case "presence_diff":
      return typeof previous === "number" && typeof version === "number"
        ? { kind, ...about, previous, version, joins: isObject(joins) ? joins : {}, leaves: isObject(leaves) ? leaves : {} }
        : undefined;
    case "presence_state":
      return typeof version === "number" ? { kind, ...about, version, state: isObject(state) ? state : undefined } : undefined;
  }
}

/** Reads a list of broadcasts, as the invocation and the answer of a join have it; what is none is left out. */
export function parseBroadcasts(value: unknown): readonly Broadcast[] {
  const items: readonly unknown[] = Array.isArray(value) ? value : [];
  return items.flatMap((item) => {
    if (!isObject(item) || typeof item["event"] !== "string") {
      return [];
    }
    const { event, payload, payload_base64: base64, from, meta } = item;
    return [
      {
        event,
        payload,
        base64: typeof base64 === "string" ? base64 : undefined,
        from: typeof from === "string" ? from : undefined,
        meta: isObject(meta) ? meta : undefined,
      },
    ];
  });
}
