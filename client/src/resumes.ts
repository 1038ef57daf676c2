import { deliver, deliverKept } from "./changes.js";
import type { Channel } from "./channel.js";
import type { ChannelContext, ResumeOperation } from "./context.js";
import { asCallError, CallError } from "./errors.js";
import type { Hold } from "./hold.js";
import { queueResume, resumeBody, retryResume } from "./holds.js";
import { forgetAndLeave } from "./leaves.js";
import { broken } from "./replies.js";
import { tellGap, tellResumed } from "./resumeNotes.js";
import { parseResumed, type ResumeAnswer } from "./resumeWire.js";

/** A channel that the service does not have right after its join will not be had by joining it for ever. */
const mostBreaks = 3;

/** Asks the service what a batch of channels has missed, and delivers it. */
export async function callResumes(context: ChannelContext, batch: readonly ResumeOperation[]): Promise<void> {
  const asked = batch.filter(({ channel }) => context.table.isCurrent(channel) && channel.hold !== undefined);
  if (asked.length === 0) {
    return;
  }
  asked.forEach(({ channel: { hold } }) => {
    if (hold !== undefined) {
      hold.checked ??= hold.wait.since()?.length ?? 0;
    }
  });
  try {
    const answers = parseResumed(await context.api.channels("resume", { channels: asked.map(({ channel }) => resumeBody(channel)) }), asked.length);
    if (answers === undefined) {
      throw new CallError(0, "UnexpectedAnswer", `resume was not answered with ${asked.length} channels.`);
    }
    asked.forEach((operation, index) => answered(context, operation, answers[index]));
  } catch (error) {
    const reason = asCallError(error);
    if (reason.endsCalls) {
      context.end(reason.reason);
      return;
    }
    asked.forEach((operation) => failed(context, operation, reason));
  }
}

function answered(context: ChannelContext, operation: ResumeOperation, answer: ResumeAnswer | undefined): void {
  const { channel } = operation;
  const { hold } = channel;
  if (hold === undefined || !context.table.isCurrent(channel)) {
    // Left or joined again meanwhile; whatever came of it goes on from the positions that were kept.
    return;
  }
  if (answer?.status !== "ok") {
    failed(context, operation, new CallError(answer?.statusCode ?? 0, answer?.code ?? "UnexpectedAnswer", answer?.message ?? ""));
    return;
  }
  hold.tries = 0;
  answer.messages.forEach((message) => (hold.count += deliver(context, channel, message)));
  for (const { id, tables, gap } of answer.subscriptions) {
    const entries = channel.numbering.placesOf([id]).flatMap((place) => channel.entries[place] ?? []);
    tables.forEach((table) => entries.forEach((entry) => entry.readTo(table, table.position)));
    if (gap !== undefined) {
      entries.forEach((entry) => entry.beginAnew(gap.cursor));
      hold.gaps.set(gap.reason, gap);
    }
  }
  if (answer.subscriptions.some(({ more }) => more)) {
    queueResume(context, channel);
  } else {
    finish(context, channel, hold);
  }
}

/** All that was missed is delivered. Where more was held back meanwhile than is kept, it goes on with what was dropped. */
function finish(context: ChannelContext, channel: Channel, hold: Hold): void {
  channel.entries.forEach((entry) => entry.mended());
  if (hold.wait.since() === undefined) {
    hold.wait.end();
    hold.wait = context.held.wait();
    hold.checked = undefined;
    queueResume(context, channel);
    return;
  }
  channel.hold = undefined;
  channel.breaks = 0;
  if (hold.count > 0 || (hold.isRejoin && hold.gaps.size === 0)) {
    tellResumed(context, channel, hold.count);
  }
  hold.gaps.forEach((gap) => tellGap(context, channel, gap));
  deliverKept(context, channel, hold.wait, hold.checked);
}

function failed(context: ChannelContext, { channel, token }: ResumeOperation, error: CallError): void {
  if (!context.table.isCurrent(channel)) {
    return;
  }
  if (error.endsSession) {
    context.end(error.reason);
    return;
  }
  if (!error.isFinal || (error.code === "TopicNotJoined" && (channel.isRenewing || channel.token !== token))) {
    // A token that ended takes its subscriptions with it; the one that is on its way brings them back.
    retryResume(context, channel);
    return;
  }
  channel.breaks++;
  if (error.code !== "TopicNotJoined" || channel.breaks > mostBreaks) {
    // The same would be refused for ever.
    channel.isOver = true;
    tellGap(context, channel, { reason: error.code, message: `What was missed could not be asked for. ${error.message}` });
  }
  context.emit(broken(channel, error.reason));
  forgetAndLeave(context, channel);
}
