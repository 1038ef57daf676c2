import { encodeUserBroadcast } from "./binary.js";
import { fromBase64 } from "./base64.js";
import type { Channel } from "./channel.js";
import type { ChannelContext } from "./context.js";
import { messageOf } from "./errors.js";
import { parseBroadcasts, type Broadcast } from "./liveMessages.js";
import { push } from "./replies.js";
import { warnOnce } from "./warnings.js";

/**
 * Delivers the kept messages that the answer of a join brings, oldest first. Live copies of them are repeats. Where it was the transport that asked
 * for them, so are those that came before the connection was lost.
 */
export function deliverReplay(context: ChannelContext, channel: Channel, replay: unknown): void {
  for (const broadcast of parseBroadcasts(replay)) {
    const id = idOf(broadcast);
    if (id !== undefined) {
      if (channel.repeats && channel.heard.has(id)) {
        continue;
      }
      channel.heard.add(id);
    }
    emit(context, channel, { ...broadcast, meta: { ...broadcast.meta, replayed: true } });
  }
}

/** Delivers what is for the channel: not its own, unless it wants that, and no repeats. */
export function deliverBroadcasts(context: ChannelContext, channel: Channel, broadcasts: readonly Broadcast[]): void {
  for (const broadcast of broadcasts) {
    const isOwn = broadcast.from === context.sender && !channel.config.self;
    const id = idOf(broadcast);
    if (isOwn || (id !== undefined && channel.heard.has(id))) {
      continue;
    }
    if (id !== undefined) {
      channel.heard.add(id);
    }
    emit(context, channel, broadcast);
  }
}

function emit(context: ChannelContext, channel: Channel, broadcast: Broadcast): void {
  const { event, payload, base64, meta } = broadcast;
  const told = meta === undefined ? {} : { meta };
  if (base64 === undefined) {
    // Text, in both serializers: it holds topics and events of any length and script.
    context.emit(push(channel, "broadcast", { type: "broadcast", event, payload: payload ?? null, ...told }));
  } else if (context.version === "1.0.0") {
    if (context.said.isNew(`bytes to ${channel.topic}`)) {
      context.log("debug", `Bytes came to '${channel.name}'; serializer 1.0.0 cannot carry them to supabase-js, and they are dropped.`);
    }
  } else {
    emitBytes(context, channel, () => encodeUserBroadcast({ topic: channel.topic, event, payload: fromBase64(base64), ...told }));
  }
}

function emitBytes(context: ChannelContext, channel: Channel, encode: () => ArrayBuffer): void {
  try {
    context.emitBytes(encode());
  } catch (error) {
    warnOnce(context, `Bytes to '${channel.name}' could not be delivered: ${messageOf(error)}`);
  }
}

function idOf({ meta }: Broadcast): string | undefined {
  const id = meta?.["id"];
  return typeof id === "string" ? id : undefined;
}
