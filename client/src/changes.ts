import type { Channel } from "./channel.js";
import type { ChannelContext } from "./context.js";
import { rowChange } from "./replies.js";
import { parseChanges, type ChangesMessage } from "./wire.js";

/** Hands a message of the service to every channel that it is for, and keeps it for those that are being joined. */
export function receiveChanges(context: ChannelContext, argument: unknown): void {
  const message = parseChanges(argument);
  if (message === undefined) {
    context.log("warn", "A 'postgres_changes' message has no 'ids', 'schema', 'table' and 'changes'; it is dropped.");
    return;
  }
  context.held.keep(message);
  context.table.joined().forEach((channel) => deliver(context, channel, message));
}

/** Sends on what one message means to one channel. */
export function deliver(context: ChannelContext, channel: Channel, message: ChangesMessage): void {
  channel.payloadsOf(message).forEach((payload) => context.emit(rowChange(channel, payload)));
}
