import type { Channel } from "./channel.js";
import type { ChannelContext, TrackOperation } from "./context.js";
import { asCallError, CallError, tooManyWaiting } from "./errors.js";
import type { Frame } from "./frames.js";
import { errorReply, notJoined, okReply } from "./replies.js";
import type { Wish } from "./tracks.js";
import { isObject, parseAnswers, parseInterval, type JsonObject } from "./wire.js";

/** Takes a `presence` frame: `track` or `untrack`, in any case of letters, as Supabase does. */
export function beginPresence(context: ChannelContext, frame: Frame): void {
  const channel = context.table.get(frame.topic);
  if (channel?.isJoined !== true) {
    context.emit(notJoined(frame));
    return;
  }
  const { event, payload }: JsonObject = isObject(frame.payload) ? frame.payload : {};
  const action = String(event).toLowerCase();
  if (action === "track" && isObject(payload)) {
    wish(context, channel, payload, [frame]);
  } else if (action === "track") {
    context.emit(errorReply(frame, "Presence track payload must be a map"));
  } else if (action === "untrack") {
    wish(context, channel, undefined, [frame]);
  } else {
    context.emit(errorReply(frame, `InvalidEvent: Presence knows 'track' and 'untrack', not '${String(event)}'.`));
  }
}

/** Wishes the channel to be present so, or no longer, in the place of whatever was wished and not sent yet. */
export function wish(context: ChannelContext, channel: Channel, payload: JsonObject | undefined, frames: readonly Frame[]): void {
  if (!context.tracks.hasRoom(channel)) {
    refuse(context, frames, tooManyWaiting(context.trackOutbox.limit, "Track less often."));
    return;
  }
  context.trackOutbox.withdraw((operation) => operation.channel === channel);
  queue(context, channel, context.tracks.wish(channel, payload, frames));
}

/** Tells the service a batch of wishes, which are all of one kind. */
export async function callTracks(context: ChannelContext, batch: readonly TrackOperation[]): Promise<void> {
  const sent = batch.flatMap(({ channel, kind }) => {
    const sending = context.table.isCurrent(channel) ? context.tracks.send(channel) : undefined;
    return sending === undefined ? [] : [{ channel, kind, wish: sending }];
  });
  const [first] = sent;
  if (first === undefined) {
    return;
  }
  try {
    const channels = sent.map(({ channel, wish: { payload } }) => ({ topic: channel.name, ...(payload === undefined ? {} : { payload }) }));
    const answer = await context.api.presence(first.kind, { channels });
    const answers = parseAnswers(answer, sent.length);
    // Before the first heartbeat is set: a service of a short timeout would else take this client for gone by the time of it.
    context.heartbeat.every(parseInterval(answer));
    sent.forEach(({ channel, wish: told }, index) => {
      const part = answers?.[index] ?? { status: "error", statusCode: 0, code: "UnexpectedAnswer", message: "The answer lacks this channel." };
      if (part.status === "ok") {
        succeeded(context, channel, told);
      } else {
        failed(context, channel, told, new CallError(part.statusCode, part.code, part.message));
      }
    });
  } catch (thrown) {
    const error = asCallError(thrown);
    if (error.endsCalls) {
      context.end(error.reason);
      return;
    }
    sent.forEach(({ channel, wish: told }) => failed(context, channel, told, error));
  }
}

function succeeded(context: ChannelContext, channel: Channel, told: Wish): void {
  told.frames.forEach((frame) => context.emit(okReply(frame)));
  if (context.table.isCurrent(channel)) {
    context.tracks.done(channel, told);
    context.heartbeat.begin();
  }
}

/** Telling the same again does nothing, so what failed for a passing reason is told again, unless something else is wished by then. */
function failed(context: ChannelContext, channel: Channel, { payload, frames, tries }: Wish, error: CallError): void {
  if (error.endsSession) {
    context.end(error.reason);
    return;
  }
  if (!context.table.isCurrent(channel)) {
    return;
  }
  if (context.tracks.hasWish(channel)) {
    context.tracks.giveFrames(channel, frames);
    return;
  }
  const wait = error.isPassing ? context.retryMs[tries] : undefined;
  if (wait === undefined) {
    refuse(context, frames, error);
    return;
  }
  const again = context.tracks.wish(channel, payload, frames, tries + 1);
  context.timers.after(wait, () => {
    if (context.tracks.isLatest(channel, again)) {
      queue(context, channel, again);
    }
  });
}

function queue(context: ChannelContext, channel: Channel, { payload, frames }: Wish): void {
  if (payload === undefined && !context.tracks.mayBeTracked(channel)) {
    // The service was never told of it, so there is nothing to take back and no call to pay for.
    context.tracks.forget(channel);
    frames.forEach((frame) => context.emit(okReply(frame)));
    return;
  }
  const kind = payload === undefined ? "untrack" : "track";
  const bytes = new TextEncoder().encode(JSON.stringify([channel.name, payload])).length + 30;
  if (!context.trackOutbox.add({ kind, topic: channel.topic, batchKey: kind, bytes, channel })) {
    context.tracks.forget(channel);
    refuse(context, frames, tooManyWaiting(context.trackOutbox.limit, "Track less often."));
  }
}

function refuse(context: ChannelContext, frames: readonly Frame[], error: CallError): void {
  frames.forEach((frame) => context.emit(errorReply(frame, error.reason)));
}
