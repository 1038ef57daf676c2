import type { Channel } from "./channel.js";
import type { ChannelContext } from "./context.js";
import { asCallError } from "./errors.js";
import type { PresenceDiffMessage, PresenceStateMessage } from "./liveMessages.js";
import { parsePresences, parseSnapshot } from "./presenceState.js";
import { PresenceView, type PresenceFrame } from "./presenceView.js";
import { push } from "./replies.js";
import { warnOnce } from "./warnings.js";
import { parseInterval } from "./wire.js";

/** All clients of a topic may find the same hole at once; they ask within this time, at random. */
const spreadMs = 2_000;

/** Begins to show who is present, where the answer of the join says so: presence was asked for, and may be read. */
export function beginView(context: ChannelContext, channel: Channel, presence: unknown): void {
  const snapshot = parseSnapshot(presence);
  if (snapshot !== undefined) {
    context.heartbeat.every(parseInterval(presence));
    channel.view = new PresenceView(context.mirrors.take(channel.topic), (key) => isUsable(context, channel, key));
    emit(context, channel, channel.view.begin(snapshot));
  }
}

/** Shows what a message of the service says. */
export function deliverPresence(context: ChannelContext, channel: Channel, message: PresenceDiffMessage | PresenceStateMessage): void {
  const { view } = channel;
  if (view === undefined) {
    return;
  }
  if (message.kind === "presence_diff") {
    emit(context, channel, view.take(message));
  } else if (message.state !== undefined) {
    emit(context, channel, view.adopt({ version: message.version, state: parsePresences(message.state) }));
  } else {
    view.expect(message.version);
  }
  if (view.isBehind && !view.isAsking) {
    view.isAsking = true;
    askAfter(context, channel, view, 0);
  }
}

function askAfter(context: ChannelContext, channel: Channel, view: PresenceView, tries: number): void {
  const wait = tries === 0 ? 0 : context.retryMs[tries - 1];
  if (wait === undefined) {
    stopAsking(context, channel, view, "It is shown again when the next change comes through.");
    return;
  }
  context.timers.after(wait + context.random() * spreadMs, () => void ask(context, channel, view, tries));
}

async function ask(context: ChannelContext, channel: Channel, view: PresenceView, tries: number): Promise<void> {
  if (!view.isBehind || !context.table.isCurrent(channel)) {
    view.isAsking = false;
    return;
  }
  try {
    const snapshot = parseSnapshot(await context.api.presenceOf(channel.name, channel.config.isPrivate, channel.token));
    if (context.table.isCurrent(channel) && snapshot !== undefined) {
      emit(context, channel, view.adopt(snapshot));
    }
  } catch (error) {
    const reason = asCallError(error);
    if (reason.isFinal) {
      // Such as a right that was taken away. The service closes the channel or answers the next token; asking for every diff would only cost.
      channel.view = undefined;
      context.mirrors.put(channel.topic, view.mirror);
      stopAsking(context, channel, view, reason.reason);
      return;
    }
  }
  if (view.isBehind && context.table.isCurrent(channel)) {
    askAfter(context, channel, view, tries + 1);
  } else {
    view.isAsking = false;
  }
}

function stopAsking(context: ChannelContext, channel: Channel, view: PresenceView, what: string): void {
  view.giveUp();
  view.isAsking = false;
  warnOnce(context, `Who is present on '${channel.name}' could not be asked for, and is out of date. ${what}`);
}

/**
 * supabase-js keeps presences in plain objects: a key that every object has, or `ids` in a state, makes it throw out of its message handler,
 * which ends a Node process. Keys are chosen by strangers, so those are left out.
 */
function isUsable(context: ChannelContext, channel: Channel, key: string): boolean {
  const usable = !(key in Object.prototype) && key !== "ids";
  if (!usable) {
    warnOnce(context, `Somebody is present on '${channel.name}' under the key '${key}', which supabase-js cannot hold; he is not shown.`);
  }
  return usable;
}

function emit(context: ChannelContext, channel: Channel, frames: readonly PresenceFrame[]): void {
  frames.forEach(({ event, payload }) => context.emit(push(channel, event, payload)));
}
