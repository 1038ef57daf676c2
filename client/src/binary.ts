import type { Frame } from "./frames.js";

/** Client to server: a broadcast, as serializer 2.0.0 of realtime-js sends every one of them. */
const userBroadcastPush = 3;

/** Server to client: a broadcast. */
const userBroadcast = 4;

const bytesEncoding = 0;
const jsonEncoding = 1;

/** The kind, five lengths and the encoding. */
const headSize = 7;

/** Throws where the bytes are no UTF-8. */
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A broadcast on its way to supabase-js. `payload` is JSON, or bytes that supabase-js passes on as they are. */
export interface UserBroadcast {
  readonly topic: string;
  readonly event: string;
  readonly meta?: Readonly<Record<string, unknown>>;
  readonly payload: unknown;
}

/** Tells the topic of the channel that was joined under a reference, if there is one. */
export type TopicOf = (joinRef: string) => string | undefined;

/**
 * Reads kind 3: `03 joinRef ref topic event meta encoding`, each but the last a length of one byte, then those five texts,
 * then the payload.
 *
 * supabase-js writes the texts in UTF-8 since 2.111. Before, it wrote the low byte of each character, so that nothing beyond Latin-1 is
 * there to be read, and of a character outside the basic plane it counts two and writes one, so that all that follows stands too
 * far left. The topic is therefore taken from the channel that the frame's reference names, as it came in the text frame of the
 * join. An event whose name was lost in this way is refused where it can be told.
 */
export function decodeUserBroadcastPush(bytes: Uint8Array, topicOf: TopicOf): Frame {
  const [kind, ...sizes] = bytes.subarray(0, headSize);
  if (kind !== userBroadcastPush) {
    throw new SyntaxError(`Binary frame of kind ${kind ?? "none"}; expected ${userBroadcastPush}.`);
  }
  const [joinRefSize = 0, refSize = 0, topicSize = 0, eventSize = 0, metaSize = 0, encoding] = sizes;
  const start = headSize + joinRefSize + refSize + topicSize + eventSize + metaSize;
  if (encoding === undefined || start > bytes.length) {
    throw new SyntaxError("Binary frame ends within its header.");
  }
  if (encoding !== jsonEncoding && encoding !== bytesEncoding) {
    throw new SyntaxError(`Binary frame with a payload of encoding ${encoding}; expected ${bytesEncoding} or ${jsonEncoding}.`);
  }

  let offset = headSize;
  const take = (size: number): Uint8Array => bytes.subarray(offset, (offset += size));
  const joinRef = textOf(take(joinRefSize));
  const ref = textOf(take(refSize));
  const known = topicOf(joinRef);
  const topic = known ?? textOf(take(topicSize));
  if (known !== undefined) {
    offset += sizeOf(known, bytes.subarray(offset, offset + topicSize));
  }
  const event = textOf(take(eventSize));
  const meta = textOf(take(metaSize));
  const body = bytes.slice(start);

  return {
    joinRef: joinRef === "" ? null : joinRef,
    ref: ref === "" ? null : ref,
    topic,
    event: "broadcast",
    payload: {
      type: "broadcast",
      event,
      payload: encoding === jsonEncoding ? JSON.parse(utf8.decode(body)) : body.buffer,
      ...(meta === "" ? {} : { meta: JSON.parse(meta) as unknown }),
    },
  };
}

/** UTF-8, or Latin-1 where it is none. */
function textOf(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    return String.fromCharCode(...bytes);
  }
}

/** How many bytes the topic takes: those that were announced in UTF-8, one for each character otherwise. */
function sizeOf(topic: string, announced: Uint8Array): number {
  const written = new TextEncoder().encode(topic);
  const isUtf8 = written.length === announced.length && written.every((byte, index) => byte === announced[index]);
  return isUtf8 ? announced.length : Math.min(announced.length, [...topic].length);
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

  const head = [userBroadcast, ...texts.map((text) => text.length), isBytes ? bytesEncoding : jsonEncoding];
  const frame = new Uint8Array(head.length + texts.reduce((sum, text) => sum + text.length, 0) + body.length);
  let offset = 0;
  for (const part of [head, ...texts, body]) {
    frame.set(part, offset);
    offset += part.length;
  }
  return frame.buffer;
}
