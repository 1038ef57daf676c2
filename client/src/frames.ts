import { decodeUserBroadcastPush, type TopicOf } from "./binary.js";
import type { Version } from "./endpoint.js";
import { isObject } from "./wire.js";

/** One Phoenix message, whichever serializer it travelled in. */
export interface Frame {
  readonly joinRef: string | null;
  readonly ref: string | null;
  readonly topic: string;
  readonly event: string;
  readonly payload: unknown;
}

/** What supabase-js hands to `send`. */
export type FrameData = string | ArrayBufferLike | ArrayBufferView;

/** Reads a frame of supabase-js; throws where it is none. `topicOf` mends topics that a binary frame cannot write. */
export function decodeFrame(version: Version, data: FrameData, topicOf: TopicOf = () => undefined): Frame {
  if (typeof data !== "string") {
    return decodeUserBroadcastPush(bytesOf(data), topicOf);
  }
  const value: unknown = JSON.parse(data);
  return version === "1.0.0" ? fromObject(value) : fromArray(value);
}

/** Writes a frame as the serializer of that version does. */
export function encodeFrame(version: Version, { joinRef, ref, topic, event, payload }: Frame): string {
  return JSON.stringify(
    version === "1.0.0" ? { topic, event, payload, ref, join_ref: joinRef } : [joinRef, ref, topic, event, payload],
  );
}

function fromObject(value: unknown): Frame {
  if (!isObject(value)) {
    throw new SyntaxError("A frame of serializer 1.0.0 is a JSON object.");
  }
  return frameOf(value["join_ref"], value["ref"], value["topic"], value["event"], value["payload"]);
}

function fromArray(value: unknown): Frame {
  if (!Array.isArray(value) || value.length !== 5) {
    throw new SyntaxError("A frame of serializer 2.0.0 is a JSON array of five.");
  }
  return frameOf(value[0], value[1], value[2], value[3], value[4]);
}

function frameOf(joinRef: unknown, ref: unknown, topic: unknown, event: unknown, payload: unknown): Frame {
  if (typeof topic !== "string" || typeof event !== "string") {
    throw new SyntaxError("A frame names its topic and event.");
  }
  return { joinRef: refOf(joinRef), ref: refOf(ref), topic, event, payload: payload ?? {} };
}

function refOf(value: unknown): string | null {
  return typeof value === "string" || typeof value === "number" ? String(value) : null;
}

function bytesOf(data: ArrayBufferLike | ArrayBufferView): Uint8Array {
  return ArrayBuffer.isView(data) ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : new Uint8Array(data);
}
