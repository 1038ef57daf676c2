import { toBase64 } from "./base64.js";
import type { CallOutcome } from "./broadcasts.js";
import { nameOf, type Channel } from "./channel.js";
import type { ChannelContext } from "./context.js";
import { asCallError, CallError, tooManyWaiting } from "./errors.js";
import type { Frame } from "./frames.js";
import { errorReply, notJoined, okReply } from "./replies.js";
import type { Outgoing } from "./sendQueue.js";
import { warnOnce } from "./warnings.js";
import { isObject, parseOutcomes, type JsonObject } from "./wire.js";

/** Control characters: nobody names an event with them, but they are left of a name that supabase-js could not write. */
const controls = /[\u0000-\u001f\u007f-\u009f]/;

const invalidEvent = new CallError(
  0,
  "InvalidEvent",
  "A broadcast names its event, without control characters. supabase-js before 2.111 cannot write names beyond Latin-1 in serializer 2.0.0: " +
    "update it, name the event otherwise, or set realtime: { vsn: '1.0.0' }.",
);

const sendLess = "Send less often, or name events of which only the newest counts in the option latestOnly.";

/** Takes a `broadcast` frame, text or binary. It is answered only where the channel was joined with `ack`, as with Supabase. */
export function beginBroadcast(context: ChannelContext, frame: Frame): void {
  const channel = context.table.get(frame.topic);
  if (channel?.isJoined !== true) {
    // supabase-js does not send on a channel that is not joined: it posts to api/broadcast by itself.
    context.emit(notJoined(frame));
    return;
  }
  const message = outgoing(context, channel, frame);
  if (message === undefined) {
    tell(context, frame.topic, acksOf(channel, frame), invalidEvent);
  } else if (!context.broadcasts.add(message)) {
    tell(context, frame.topic, message.acks, tooManyWaiting(context.broadcasts.limit, sendLess));
  }
}

/**
 * Sends a batch, and answers each message that wants it.
 *
 * Only a call that was turned away for its rate is made again, for it was not read. Any other failure leaves open whether the service
 * has sent the messages on, and a broadcast that comes twice is worse than one that its sender knows to have failed.
 */
export async function callBroadcasts(context: ChannelContext, batch: readonly Outgoing[], mayRepeat: boolean): Promise<CallOutcome> {
  try {
    const outcomes = parseOutcomes(await context.api.broadcast(batch.map(({ json }) => json)), batch.length);
    batch.forEach(({ topic, acks }, index) => tell(context, topic, acks, outcomes[index]));
  } catch (thrown) {
    const error = asCallError(thrown);
    if (error.status === 429 && mayRepeat) {
      return "again";
    }
    batch.forEach(({ topic, acks }) => tell(context, topic, acks, error));
    if (error.endsCalls) {
      context.end(error.reason);
    }
  }
  return "done";
}

function tell(context: ChannelContext, topic: string, acks: readonly Frame[], error: CallError | undefined): void {
  if (error === undefined) {
    acks.forEach((frame) => context.emit(okReply(frame)));
    return;
  }
  acks.forEach((frame) => context.emit(errorReply(frame, error.reason)));
  if (acks.length === 0) {
    warnOnce(context, `A broadcast to '${nameOf(topic)}' was not sent. ${error.reason}`);
  }
}

function outgoing(context: ChannelContext, channel: Channel, frame: Frame): Outgoing | undefined {
  const { event, payload }: JsonObject = isObject(frame.payload) ? frame.payload : {};
  if (typeof event !== "string" || controls.test(event)) {
    return undefined;
  }
  const content = payload instanceof ArrayBuffer ? { payload_base64: toBase64(new Uint8Array(payload)) } : { payload: payload ?? {} };
  const json = JSON.stringify({ topic: channel.name, private: channel.config.isPrivate, event, ...content, from: context.sender });
  const bytes = new TextEncoder().encode(json).length;
  return { topic: channel.topic, event, json, bytes, acks: acksOf(channel, frame) };
}

function acksOf(channel: Channel, frame: Frame): readonly Frame[] {
  return channel.config.ack ? [frame] : [];
}
