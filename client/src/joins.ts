import { deliverReplay } from "./broadcastIn.js";
import { deliverKept } from "./changes.js";
import type { Channel } from "./channel.js";
import type { ChannelContext, JoinOperation } from "./context.js";
import { asCallError, CallError, tooManyWaiting } from "./errors.js";
import type { Frame } from "./frames.js";
import type { Wait } from "./held.js";
import { forgetAndLeave } from "./leaves.js";
import { holdBack } from "./holds.js";
import { joinRequest } from "./joinRequest.js";
import { deliverLive } from "./live.js";
import type { LiveMessage } from "./liveMessages.js";
import { beginView } from "./presenceIn.js";
import { closed, errorReply, okReply, system } from "./replies.js";
import { tellGap } from "./resumeNotes.js";
import { parseAnswers, type ChangesMessage, type ChannelAnswer } from "./wire.js";

/** Takes a `phx_join`. A second one of the same topic replaces the first, as with a Phoenix server. */
export function beginJoin(context: ChannelContext, frame: Frame): void {
  const former = context.table.end(frame.topic);
  const operation = joinRequest(context, frame);
  context.table.add(operation.channel);
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
  channel.begin(answer.cursor);
  const live = sent.live.since();
  if (live === undefined || (sent.changes.since() === undefined && !channel.canResume)) {
    refuse(context, operation, new CallError(0, "TooManyHeld", "More came during the join than can be kept; join again."));
    return;
  }
  context.emit(okReply(frame, { postgres_changes: channel.numbered }));
  beginView(context, channel, answer.presence);
  answer.system.forEach((note) => context.emit(system(channel, note)));
  deliverReplay(context, channel, answer.replay);
  beginChanges(context, channel, context.held.wait(sent.changes));
  live.forEach((message) => deliverLive(context, channel, message));
}

/** Delivers the changes that came during the join, after those that were missed before it. */
function beginChanges(context: ChannelContext, channel: Channel, wait: Wait<ChangesMessage>): void {
  if (channel.hasOutlived) {
    tellGap(context, channel, { reason: "WindowPassed", message: "The connection was lost for too long; what was missed is not kept. Read the table again." });
  }
  if (channel.memory !== undefined && channel.canResume) {
    holdBack(context, channel, wait, true);
  } else {
    deliverKept(context, channel, wait);
  }
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
    channel.isOver = true;
    forgetAndLeave(context, channel);
  } else {
    // supabase-js joins again in a moment, which replaces whatever came of this one.
    context.table.remove(channel);
  }
}
