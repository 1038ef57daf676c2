import type { Channel } from "./channel.js";
import type { ChannelMemory } from "./channelMemory.js";
import type { ChannelContext } from "./context.js";
import { isObject, type JsonObject } from "./wire.js";

/** What was sent in the last moments may not have come, and clocks differ. */
const overlapMs = 5_000;

/** The most that the service replays. */
const mostReplayed = 25;

/** Keeps what a channel knows for its next join, unless it ended for good or knows nothing that matters. */
export function keepMemory(context: ChannelContext, channel: Channel): void {
  if (!channel.isOver && (channel.canResume || channel.config.isPrivate)) {
    // Where the join was not answered, nothing was heard since the connection before it.
    const aliveAt = channel.isJoined ? context.aliveAt : (channel.memory?.aliveAt ?? context.aliveAt);
    const { topic, asked, config, entries, heard, breaks } = channel;
    context.memories.put(keyOf(context, topic, asked, config.isPrivate), { entries, heard, aliveAt, breaks });
  }
}

/** What the channel of the same topic and entries knew when it lost its socket. */
export function takeMemory(
  context: ChannelContext,
  topic: string,
  asked: readonly JsonObject[],
  isPrivate: boolean,
): ChannelMemory | "outlived" | undefined {
  return context.memories.take(keyOf(context, topic, asked, isPrivate));
}

/** The config of a join with a replay of the broadcasts that were missed; undefined where the application asked for one itself, or the topic keeps none. */
export function withReplay(config: JsonObject, memory: ChannelMemory | undefined, isPrivate: boolean): JsonObject | undefined {
  const broadcast = isObject(config["broadcast"]) ? config["broadcast"] : {};
  if (memory === undefined || !isPrivate || (broadcast["replay"] !== undefined && broadcast["replay"] !== null)) {
    return undefined;
  }
  return { ...config, broadcast: { ...broadcast, replay: { since: Math.max(0, memory.aliveAt - overlapMs), limit: mostReplayed } } };
}

function keyOf(context: ChannelContext, topic: string, asked: readonly JsonObject[], isPrivate: boolean): string {
  return JSON.stringify([context.memoryScope, topic, isPrivate, asked]);
}
