import type { Channel } from "./channel.js";
import type { ChannelContext } from "./context.js";
import { asCallError } from "./errors.js";
import { wish } from "./presenceOut.js";
import { warnOnce } from "./warnings.js";
import { parseBeat } from "./wire.js";

/** Tells the service that this client is still there, and tracks again what the service has lost sight of. Answers when to do so again. */
export async function beat(context: ChannelContext, intervalMs: number): Promise<number> {
  const before = context.tracks.confirmed();
  try {
    const { intervalMs: asked, tracked } = parseBeat(await callHeartbeat(context, [...before.keys()]));
    const now = context.tracks.confirmed();
    before.forEach((payload, channel) => {
      // What was tracked or untracked while the call was under way says nothing of the service's memory.
      if (tracked?.has(channel.name) === false && now.get(channel) === payload && !context.tracks.hasWish(channel)) {
        wish(context, channel, payload, []);
      }
    });
    return context.heartbeat.every(asked);
  } catch (thrown) {
    const error = asCallError(thrown);
    if (error.endsCalls) {
      context.end(error.reason);
    }
    warnOnce(context, `A heartbeat of presence failed; others may take this client for gone. ${error.reason}`);
    // Soon enough for the next to come before the service gives this client up, which it does after two and a half intervals.
    return error.isPassing ? intervalMs / 4 : intervalMs;
  }
}

/** Beats as the user of a channel; a token whose time is over keeps nobody from staying present, for the session is known by its own. */
async function callHeartbeat({ api, apikey }: ChannelContext, channels: readonly Channel[]): Promise<unknown> {
  const token = channels.map((channel) => channel.token).find((one) => one !== apikey);
  try {
    return await api.heartbeat(token);
  } catch (error) {
    if (token === undefined || asCallError(error).status !== 401) {
      throw error;
    }
    return await api.heartbeat(undefined);
  }
}
