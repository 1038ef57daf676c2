import type { Frame } from "./frames.js";

/** Client to server: a broadcast, as serializer 2.0.0 of realtime-js sends every one of them. */
const userBroadcastPush = 3;

/** Server to client: a broadcast. */
const userBroadcast = 4;

const jsonEncoding = 1;

/** A broadcast on its way to supabase-js. `payload` is JSON, or bytes that supabase-js passes on as they are. */
export interface UserBroadcast {
  readonly topic: string;
  readonly event: string;
  readonly meta?: Readonly<Record<string, unknown>>;
  readonly payload: unknown;
}

/**
 * Reads kind 3: `03 joinRef ref topic event meta encoding`, each but the last a length of one byte, then those five texts,
 * then the payload.
 *
 * realtime-js writes one byte a UTF-16 unit, not UTF-8, so that is how the texts are read.
 */
export function decodeUserBroadcastPush(bytes: Uint8Array): Frame {
  const kind = bytes[0];
  if (kind !== userBroadcastPush) {
    throw new SyntaxError(`Binary frame of kind ${kind ?? "none"}; expected ${userBroadcastPush}.`);
  }

  let offset = 7;
  const take = (header: number): string => {
    const end = offset + (bytes[header] ?? 0);
    if (end > bytes.length) {
      throw new SyntaxError("Binary frame ends within its header.");
    }
    const text = String.fromCharCode(...bytes.subarray(offset, end));
    offset = end;
    return text;
  };
  const [joinRef, ref, topic, event, meta] = [take(1), take(2), take(3), take(4), take(5)];
  const body = bytes.slice(offset);

  return {
    joinRef: joinRef === "" ? null : joinRef,
    ref: ref === "" ? null : ref,
    topic,
    event: "broadcast",
    payload: {
      type: "broadcast",
      event,
      payload: bytes[6] === jsonEncoding ? JSON.parse(new TextDecoder().decode(body)) : body.buffer,
      ...(meta === "" ? {} : { meta: JSON.parse(meta) as unknown }),
    },
  };
}

/** Writes kind 4: `04 topic event meta encoding`, the first three lengths of one byte in UTF-8, the texts, the payload. */
export function encodeUserBroadcast({ topic, event, meta, payload }: UserBroadcast): ArrayBuffer {
  const encoder = new TextEncoder();
  const isBytes = payload instanceof ArrayBuffer;
  const texts = [topic, event, meta === undefined ? "" : JSON.stringify(meta)].map((text) => encoder.encode(text));
  const body = isBytes ? new Uint8Array(payload) : encoder.encode(JSON.stringify(payload ?? null));

  for (const text of texts) {
    if (text.length > 255) {
      throw new RangeError(`Topic, event or metadata of a broadcast has ${text.length} bytes; at most 255 fit.`);
    }
  }

  const head = [userBroadcast, ...texts.map((text) => text.length), isBytes ? 0 : jsonEncoding];
  const frame = new Uint8Array(head.length + texts.reduce((sum, text) => sum + text.length, 0) + body.length);
  let offset = 0;
  for (const part of [head, ...texts, body]) {
    frame.set(part, offset);
    offset += part.length;
  }
  return frame.buffer;
}
