import { deliverBroadcasts } from "./broadcastIn.js";
import type { Channel } from "./channel.js";
import type { ChannelContext } from "./context.js";
import { parseLiveMessage, type LiveMessage } from "./liveMessages.js";
import { deliverPresence } from "./presenceIn.js";

/** Hands a message about a topic to the channel that it is for, and keeps it while that is being joined. */
export function receiveLive(context: ChannelContext, kind: LiveMessage["kind"], argument: unknown): void {
  const message = parseLiveMessage(kind, argument);
  if (message === undefined) {
    context.log("warn", `A '${kind}' message is not what the protocol says; it is dropped.`);
    return;
  }
  const [joining, joined] = context.table.about(message.topic);
  if (joining.length > 0) {
    context.heldLive.keep(message);
  }
  joined.forEach((channel) => deliverLive(context, channel, message));
}

/** Delivers one message to one channel, if it is for it. */
export function deliverLive(context: ChannelContext, channel: Channel, message: LiveMessage): void {
  if (message.topic !== channel.name || message.isPrivate !== channel.config.isPrivate) {
    return;
  }
  if (message.kind === "broadcast") {
    deliverBroadcasts(context, channel, message.messages);
  } else {
    deliverPresence(context, channel, message);
  }
}
