import type { Channel } from "./channel.js";
import type { Frame } from "./frames.js";
import type { JsonObject, SystemNote } from "./wire.js";

/** The frames that a Phoenix server would send. */

export function okReply(to: Frame, response: JsonObject = {}): Frame {
  return reply(to, { status: "ok", response });
}

export function errorReply(to: Frame, reason: string): Frame {
  return reply(to, { status: "error", response: { reason } });
}

/** Refuses something on a channel that is not joined; realtime-js does not send it then. */
export function notJoined(to: Frame): Frame {
  return errorReply(to, "TopicNotJoined: The channel is not joined. Wait for SUBSCRIBED.");
}

function reply({ joinRef, ref, topic }: Frame, payload: JsonObject): Frame {
  return { joinRef, ref, topic, event: "phx_reply", payload };
}

/** Ends a channel for good: supabase-js says CLOSED and does not join again. */
export function closed({ joinRef, topic }: Channel): Frame {
  // realtime-js heeds a close only where `ref` is that of the join.
  return { joinRef, ref: joinRef, topic, event: "phx_close", payload: {} };
}

/** Breaks a channel: supabase-js says CHANNEL_ERROR and joins again. */
export function broken({ joinRef, topic }: Channel, reason: string): Frame {
  return { joinRef, ref: joinRef, topic, event: "phx_error", payload: { reason } };
}

export function system(channel: Channel, { extension, status, message }: SystemNote): Frame {
  return push(channel, "system", { extension, status, message, channel: channel.name });
}

export function rowChange(channel: Channel, payload: JsonObject): Frame {
  return push(channel, "postgres_changes", payload);
}

/** Something that the channel is told without having asked. */
export function push({ joinRef, topic }: Channel, event: string, payload: JsonObject): Frame {
  return { joinRef, ref: null, topic, event, payload };
}
