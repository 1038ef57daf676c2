import { deliverReplay } from "./broadcastIn.js";
import { deliver } from "./changes.js";
import { Channel } from "./channel.js";
import { channelConfig } from "./channelConfig.js";
import type { ChannelContext, JoinOperation } from "./context.js";
import { asCallError, CallError, tooManyWaiting } from "./errors.js";
import type { Frame } from "./frames.js";
import type { Wait } from "./held.js";
import { forgetAndLeave } from "./leaves.js";
import { deliverLive } from "./live.js";
import type { LiveMessage } from "./liveMessages.js";
import { beginView } from "./presenceIn.js";
import { closed, errorReply, okReply, system } from "./replies.js";
import { usableToken } from "./tokens.js";
import { isObject, parseAnswers, type ChangesMessage, type ChannelAnswer, type JsonObject } from "./wire.js";

/** Takes a `phx_join`. A second one of the same topic replaces the first, as with a Phoenix server. */
export function beginJoin(context: ChannelContext, frame: Frame): void {
  const operation = operationOf(context, frame);
  const former = context.table.replace(operation.channel);
  if (former !== undefined) {
    context.emit(closed(former));
  }
  context.outbox.withdraw(({ topic }) => topic === frame.topic);

  const remembered = context.refusals.recall(operation.refusalKey);
  if (remembered !== undefined) {
    refuse(context, operation, remembered);
  } else if (!context.outbox.add(operation)) {
    refuse(context, operation, tooManyWaiting(context.outbox.limit));
  }
}

/** Asks the service for a batch of joins, and answers each. */
export async function callJoins(context: ChannelContext, batch: readonly JoinOperation[]): Promise<void> {
  const known = batch.map(({ topic }) => context.table.mayBeJoined(topic));
  batch.forEach(({ topic }) => context.table.sent(topic));
  const [changes, live] = [context.held.wait(), context.heldLive.wait()];
  try {
    const body = { channels: batch.map((operation) => operation.body) };
    const answers = parseAnswers(await context.api.channels("join", body), batch.length);
    if (answers === undefined) {
      throw new CallError(0, "UnexpectedAnswer", `join was not answered with ${batch.length} channels.`);
    }
    batch.forEach((operation, index) => {
      answered(context, operation, answers[index], { changes, live, known: known[index] === true });
    });
  } catch (error) {
    failed(context, batch, asCallError(error));
  } finally {
    changes.end();
    live.end();
  }
}

interface Sent {
  readonly changes: Wait<ChangesMessage>;
  readonly live: Wait<LiveMessage>;
  /** Whether the service had an earlier join of the topic. */
  readonly known: boolean;
}

function answered(context: ChannelContext, operation: JoinOperation, answer: ChannelAnswer | undefined, sent: Sent): void {
  const { channel, frame, topic } = operation;
  if (answer?.status !== "ok") {
    const error = new CallError(answer?.statusCode ?? 0, answer?.code ?? "UnexpectedAnswer", answer?.message ?? "");
    if (error.endsSession) {
      context.end(error.reason);
      return;
    }
    if (!sent.known && error.status >= 400) {
      context.table.gone(topic);
    }
    remember(context, operation, error);
    refuse(context, operation, error);
    return;
  }
  if (!context.table.isCurrent(channel)) {
    // Left or joined again meanwhile: that operation waits behind this one, and puts the service right.
    return;
  }
  if (!channel.number(answer.ids)) {
    refuse(context, operation, new CallError(0, "UnexpectedAnswer", "The answer does not number every entry of postgres_changes."));
    return;
  }
  const [changes, live] = [sent.changes.since(), sent.live.since()];
  if (changes === undefined || live === undefined) {
    refuse(context, operation, new CallError(0, "TooManyHeld", "More came during the join than can be kept; join again."));
    return;
  }
  context.emit(okReply(frame, { postgres_changes: channel.numbered }));
  beginView(context, channel, answer.presence);
  answer.system.forEach((note) => context.emit(system(channel, note)));
  deliverReplay(context, channel, answer.replay);
  changes.forEach((message) => deliver(context, channel, message));
  live.forEach((message) => deliverLive(context, channel, message));
}

/** The call as a whole failed: nothing is known of any of its joins. */
function failed(context: ChannelContext, batch: readonly JoinOperation[], error: CallError): void {
  if (error.endsCalls) {
    context.end(error.reason);
    return;
  }
  batch.forEach((operation) => {
    if (batch.length === 1) {
      remember(context, operation, error);
    }
    refuse(context, operation, error);
  });
}

function remember(context: ChannelContext, operation: JoinOperation, error: CallError): void {
  if (error.isFinal) {
    context.refusals.remember(operation.refusalKey, error);
  }
}

function refuse(context: ChannelContext, { channel, frame }: JoinOperation, error: CallError): void {
  if (!context.table.isCurrent(channel)) {
    return;
  }
  context.emit(errorReply(frame, error.reason));
  if (error.isFinal) {
    // An earlier join of the topic may still be in force.
    forgetAndLeave(context, channel);
  } else {
    // supabase-js joins again in a moment, which replaces whatever came of this one.
    context.table.remove(channel);
  }
}

function operationOf(context: ChannelContext, frame: Frame): JoinOperation {
  const payload: JsonObject = isObject(frame.payload) ? frame.payload : {};
  const config: JsonObject = isObject(payload["config"]) ? payload["config"] : {};
  const entries: readonly unknown[] = Array.isArray(config["postgres_changes"]) ? config["postgres_changes"] : [];
  const asked = entries.filter(isObject);
  const token = usableToken(payload["access_token"]);
  const channel = new Channel(frame.topic, frame.joinRef, asked, token ?? context.apikey, channelConfig(config));
  const body = {
    topic: channel.name,
    // The API key decides where there is no token, so repeating it says nothing.
    ...(token === undefined || token === context.apikey ? {} : { access_token: token }),
    config: { ...config, postgres_changes: asked },
  };
  const text = JSON.stringify(body);
  return {
    kind: "join",
    topic: frame.topic,
    batchKey: "join",
    bytes: text.length * 2,
    channel,
    frame,
    body,
    refusalKey: JSON.stringify([context.apikey, text]),
  };
}
