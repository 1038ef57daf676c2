import type { Channel } from "./channel.js";
import type { ChannelContext } from "./context.js";
import type { Gap } from "./hold.js";
import { push } from "./replies.js";

/** Tells the application that it has been given all that was missed. */
export function tellResumed(context: ChannelContext, channel: Channel, count: number): void {
  const message = `Resumed: ${count} missed change${count === 1 ? " was" : "s were"} delivered.`;
  context.emit(push(channel, "system", { extension: "postgres_changes", status: "ok", code: "resumed", count, message, channel: channel.name }));
  context.onResume({ topic: channel.name, count });
}

/** Tells it that something was missed and cannot be given. */
export function tellGap(context: ChannelContext, channel: Channel, { reason, message }: Gap): void {
  context.emit(push(channel, "system", { extension: "postgres_changes", status: "error", code: "gap", reason, message, channel: channel.name }));
  context.onGap({ topic: channel.name, reason, message });
}
