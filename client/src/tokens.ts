import { deliverKept } from "./changes.js";
import type { ChannelContext, TokenOperation } from "./context.js";
import { asCallError, CallError, tooManyWaiting } from "./errors.js";
import type { Frame } from "./frames.js";
import { forgetAndLeave } from "./leaves.js";
import { broken, closed, system } from "./replies.js";
import { isObject, parseAnswersByTopic, type ChannelAnswer } from "./wire.js";

/** A token that decides something: Supabase's own opaque keys (`sb_...`) are no JWT, and are ignored as Supabase does. */
export function usableToken(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" && !value.startsWith("sb_") ? value : undefined;
}

/** Takes an `access_token`: the channel carries on under it. supabase-js sends one for each channel; they share a call. */
export function beginToken(context: ChannelContext, frame: Frame): void {
  const channel = context.table.get(frame.topic);
  const token = usableToken(isObject(frame.payload) ? frame.payload["access_token"] : undefined);
  if (channel === undefined || token === undefined || token === channel.token) {
    return;
  }
  channel.token = token;
  context.outbox.withdraw(({ kind, topic }) => kind === "token" && topic === frame.topic);
  queue(context, { kind: "token", topic: frame.topic, batchKey: `token ${token}`, bytes: frame.topic.length * 2, channel, token, tries: 0 });
}

/** Asks the service to judge a batch of channels anew under one token. */
export async function callTokens(context: ChannelContext, batch: readonly TokenOperation[]): Promise<void> {
  const asked = batch.filter(({ channel }) => context.table.isCurrent(channel));
  if (asked.length === 0) {
    return;
  }
  asked.forEach(({ channel }) => channel.beginRenewal(context.held));
  try {
    const body = { access_token: asked[0]?.token, topics: asked.map(({ channel }) => channel.name) };
    const answers = parseAnswersByTopic(await context.api.channels("access-token", body));
    asked.forEach((operation) => answered(context, operation, answers?.get(operation.channel.name)));
  } catch (error) {
    const reason = asCallError(error);
    asked.forEach((operation) => failed(context, operation, reason));
  }
}

function answered(context: ChannelContext, operation: TokenOperation, answer: ChannelAnswer | undefined): void {
  const { channel } = operation;
  if (!context.table.isCurrent(channel)) {
    return;
  }
  if (answer === undefined) {
    failed(context, operation, new CallError(0, "UnexpectedAnswer", "access-token was answered without this channel."));
  } else if (answer.status === "error") {
    failed(context, operation, new CallError(answer.statusCode, answer.code, answer.message));
  } else if (!channel.number(answer.ids)) {
    failed(context, operation, new CallError(500, "UnexpectedAnswer", "The answer does not number every entry of postgres_changes."));
  } else {
    catchUp(context, operation);
  }
}

/** Goes on under the new numbers where the former ones had come to: what came under those already is dropped as a repeat. */
function catchUp(context: ChannelContext, { channel }: TokenOperation): void {
  const wait = channel.endRenewal();
  if (wait === undefined) {
    return;
  }
  if (channel.hold !== undefined) {
    // What came under the new numbers is held back with the rest.
    channel.hold.wait = context.held.earlier(channel.hold.wait, wait);
  } else if (wait.since() === undefined && !channel.canResume) {
    wait.end();
    context.emit(broken(channel, "TooManyHeld: More changes came during a change of token than can be kept."));
    forgetAndLeave(context, channel);
  } else {
    deliverKept(context, channel, wait);
  }
}

function failed(context: ChannelContext, operation: TokenOperation, error: CallError): void {
  const { channel, token, tries } = operation;
  if (error.endsSession) {
    context.end(error.reason);
    return;
  }
  if (channel.token !== token) {
    // A later token waits behind this one, and decides.
    return;
  }
  const wait = error.isPassing ? context.retryMs[tries] : undefined;
  if (wait === undefined) {
    expel(context, operation, error);
    return;
  }
  context.timers.after(wait, () => {
    if (context.table.isCurrent(channel) && channel.token === token) {
      queue(context, { ...operation, tries: tries + 1 });
    }
  });
}

/** As Supabase does: the developer is told why, and the channel is closed. */
function expel(context: ChannelContext, { channel }: TokenOperation, error: CallError): void {
  if (!context.table.isCurrent(channel)) {
    return;
  }
  context.emit(system(channel, { extension: "system", status: "error", message: error.reason }));
  context.emit(closed(channel));
  channel.isOver = true;
  forgetAndLeave(context, channel);
}

function queue(context: ChannelContext, operation: TokenOperation): void {
  if (!context.outbox.add(operation)) {
    failed(context, operation, tooManyWaiting(context.outbox.limit));
  }
}
