import { nameOf, type Channel } from "./channel.js";
import type { ChannelContext, LeaveOperation } from "./context.js";
import { CallError } from "./errors.js";
import type { Frame } from "./frames.js";
import { closed, okReply } from "./replies.js";

/** How long a leave waits for the broadcasts before it. */
const patienceMs = 5_000;

/** Takes a `phx_leave`: for supabase-js the channel ends here and now, whatever the service makes of it. */
export function beginLeave(context: ChannelContext, frame: Frame): void {
  context.emit(okReply(frame));
  const channel = context.table.get(frame.topic);
  if (channel !== undefined && frame.joinRef !== null && frame.joinRef !== channel.joinRef) {
    // The leave of a join that has been replaced already.
    return;
  }
  if (channel !== undefined) {
    context.emit(closed(channel));
    channel.isOver = true;
    context.table.remove(channel);
  }
  leave(context, frame.topic);
}

/** Drops a channel on this side, and on the service's where that may still have it. */
export function forgetAndLeave(context: ChannelContext, channel: Channel): void {
  context.table.remove(channel);
  leave(context, channel.topic);
}

/** Asks the service to leave a batch of topics. */
export async function callLeaves(context: ChannelContext, batch: readonly LeaveOperation[]): Promise<void> {
  // What was sent before must arrive before: a private topic takes nothing from those who have left.
  await Promise.all(batch.filter(({ topic }) => context.broadcasts.isSending(topic)).map(({ topic }) => sentWithin(context, topic, patienceMs)));
  try {
    await context.api.channels("leave", { channels: batch.map(({ name }) => ({ topic: name })) });
    batch.forEach(({ topic }) => context.table.gone(topic));
  } catch (error) {
    if (error instanceof CallError && error.endsCalls) {
      context.end(error.reason);
      return;
    }
    batch.forEach((operation) => retry(context, operation));
  }
}

function sentWithin(context: ChannelContext, topic: string, ms: number): Promise<void> {
  return Promise.race([context.broadcasts.sent(topic), new Promise<void>((resolve) => context.timers.after(ms, resolve))]);
}

function retry(context: ChannelContext, { topic, name, tries }: LeaveOperation): void {
  const wait = context.retryMs[tries];
  if (wait === undefined) {
    context.log("warn", `Could not leave '${name}'; the service goes on sending to it until the connection ends.`);
    return;
  }
  context.timers.after(wait, () => {
    // A join that came meanwhile replaces what was to be left.
    if (context.table.get(topic) === undefined) {
      leave(context, topic, tries + 1);
    }
  });
}

function leave(context: ChannelContext, topic: string, tries = 0): void {
  context.outbox.withdraw((operation) => operation.topic === topic);
  if (!context.table.mayBeJoined(topic)) {
    // Its join was never sent, so there is nothing to leave and no call to pay for.
    return;
  }
  const name = nameOf(topic);
  const added = context.outbox.add({ kind: "leave", topic, batchKey: "leave", bytes: name.length * 2 + 20, name, tries });
  if (!added) {
    context.log("warn", `Could not leave '${name}': too many operations wait already.`);
  }
}
