import type { Channel } from "./channel.js";
import type { ChannelContext } from "./context.js";
import type { Wait } from "./held.js";
import { holdBack, mendSoon } from "./holds.js";
import { rowChange } from "./replies.js";
import { parseChanges, parseCursor, type ChangesMessage } from "./wire.js";

/** Hands a message of the service to every channel that it is for, and keeps it for those that wait. */
export function receiveChanges(context: ChannelContext, argument: unknown): void {
  const message = parseChanges(argument);
  if (message === undefined) {
    context.log("warn", "A 'postgres_changes' message has no 'ids', 'schema', 'table' and 'changes'; it is dropped.");
    return;
  }
  // Before the message is kept, so that those who find a hole before it hold it back too.
  const flowing = context.table.joined().filter(({ hold }) => hold === undefined);
  const torn = flowing.filter((channel) => channel.isTorn(message));
  torn.forEach((channel) => mendSoon(context, channel, context.held.wait()));
  context.held.keep(message);
  flowing.filter((channel) => !torn.includes(channel)).forEach((channel) => deliver(context, channel, message));
}

/** Takes how far the service has sent to everybody. */
export function receiveProgress(context: ChannelContext, argument: unknown): void {
  const cursor = parseCursor(argument);
  if (cursor === undefined) {
    context.log("warn", "A 'progress' message has no 'epoch' and 'position'; it is dropped.");
    return;
  }
  // What was sent to a channel that holds back has not been delivered: its cursor stays.
  for (const channel of context.table.joined().filter(({ hold }) => hold === undefined)) {
    if (channel.entries.every((entry) => entry.isOf(cursor.epoch))) {
      channel.entries.forEach((entry) => entry.moveOn(cursor));
    } else {
      mendSoon(context, channel, context.held.wait());
    }
  }
}

/** Sends on what one message means to one channel; how many changes that were. */
export function deliver(context: ChannelContext, channel: Channel, message: ChangesMessage): number {
  const payloads = channel.payloadsOf(message);
  payloads.forEach((payload) => context.emit(rowChange(channel, payload)));
  return payloads.length;
}

/**
 * Delivers what was kept, and ends the wait. At a hole it holds the rest back and resumes; the first `checked` messages have been looked behind
 * already. Where not all is there any more, it resumes at once.
 */
export function deliverKept(context: ChannelContext, channel: Channel, wait: Wait<ChangesMessage>, checked = 0): void {
  const messages = wait.since();
  if (messages === undefined) {
    wait.end();
    holdBack(context, channel, context.held.wait());
    return;
  }
  for (const [index, message] of messages.entries()) {
    if (index >= checked && channel.isTorn(message)) {
      wait.skip(index);
      mendSoon(context, channel, wait);
      return;
    }
    deliver(context, channel, message);
  }
  wait.end();
}
