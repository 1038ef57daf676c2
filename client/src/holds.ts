import type { Channel } from "./channel.js";
import type { ChannelContext } from "./context.js";
import type { Wait } from "./held.js";
import { Hold } from "./hold.js";
import type { ChangesMessage, JsonObject } from "./wire.js";

/** A sender that is new is new to everybody: they ask within this time, at random. */
const spreadMs = 1_000;

/** The tables that one channel names in a call: a body has at most 256 KiB. What is not named is read again from further back. */
const mostTables = 400;

/** Holds a channel's changes back, from where the wait began, and resumes. */
export function holdBack(context: ChannelContext, channel: Channel, wait: Wait<ChangesMessage>, isRejoin = false): void {
  channel.hold = new Hold(wait, isRejoin);
  queueResume(context, channel);
}

/** The same after a hole: in a moment, together with whoever finds one until then. */
export function mendSoon(context: ChannelContext, channel: Channel, wait: Wait<ChangesMessage>): void {
  channel.hold = new Hold(wait, false);
  context.torn.add(channel);
  if (context.torn.size === 1) {
    context.timers.after(context.random() * spreadMs, () => {
      const torn = [...context.torn];
      context.torn.clear();
      torn.forEach((one) => queueResume(context, one));
    });
  }
}

/** Asks for what a channel has missed, after whatever else waits to be said of its topic: so its numbers are those of then. */
export function queueResume(context: ChannelContext, channel: Channel): void {
  if (channel.hold === undefined || !context.table.isCurrent(channel)) {
    return;
  }
  const bytes = JSON.stringify(resumeBody(channel)).length * 2;
  if (!context.outbox.add({ kind: "resume", topic: channel.topic, batchKey: "resume", bytes, channel, token: channel.token })) {
    retryResume(context, channel);
  }
}

/** Asks again later, for as long as the socket lives. */
export function retryResume(context: ChannelContext, channel: Channel): void {
  const { hold } = channel;
  if (hold === undefined) {
    return;
  }
  const wait = context.retryMs[Math.min(hold.tries++, context.retryMs.length - 1)] ?? spreadMs;
  context.timers.after(wait + context.random() * spreadMs, () => queueResume(context, channel));
}

/** A channel's part of the call. Entries of one number are one subscription, which resumes from where the last of them is. */
export function resumeBody(channel: Channel): JsonObject {
  let room = mostTables;
  const named = new Set<number>();
  const subscriptions = channel.entries.flatMap((entry, place) => {
    const id = channel.numbering.idOf(place);
    if (id === undefined || named.has(id) || !entry.canResume) {
      return [];
    }
    named.add(id);
    const from = lowest(channel, id, entry.copy()).resumeFrom();
    const tables = from?.tables.slice(0, room) ?? [];
    room -= tables.length;
    return from === undefined ? [] : [{ id, ...from, tables }];
  });
  return { topic: channel.name, subscriptions };
}

function lowest(channel: Channel, id: number, entry: Channel["entries"][number]): Channel["entries"][number] {
  channel.numbering
    .placesOf([id])
    .map((place) => channel.entries[place])
    .forEach((other) => other?.canResume === true && entry.lowerTo(other));
  return entry;
}
