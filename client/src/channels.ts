import { beginBroadcast } from "./broadcastOut.js";
import { receiveChanges, receiveProgress } from "./changes.js";
import type { ChannelContext, ChannelOperation } from "./context.js";
import type { Frame } from "./frames.js";
import { beginJoin, callJoins } from "./joins.js";
import { beginLeave, callLeaves } from "./leaves.js";
import { receiveLive } from "./live.js";
import { beginPresence } from "./presenceOut.js";
import { closed, okReply, system } from "./replies.js";
import { callResumes } from "./resumes.js";
import { beginToken, callTokens } from "./tokens.js";
import { parseScoped } from "./wire.js";

/** The targets of the service's invocations. */
export const targets = ["postgres_changes", "broadcast", "presence_diff", "presence_state", "progress", "system", "close"] as const;

export type Target = (typeof targets)[number];

/** Does what a frame of supabase-js asks. */
export function handleFrame(context: ChannelContext, frame: Frame): void {
  if (frame.topic === "phoenix") {
    // SignalR keeps its own connection alive and reports its end; an HTTP call for every heartbeat would be a cost for nothing.
    if (frame.event === "heartbeat") {
      context.emit(okReply(frame));
    }
    return;
  }
  switch (frame.event) {
    case "phx_join":
      return beginJoin(context, frame);
    case "phx_leave":
      return beginLeave(context, frame);
    case "access_token":
      return beginToken(context, frame);
    case "broadcast":
      return beginBroadcast(context, frame);
    case "presence":
      return beginPresence(context, frame);
    default:
      context.log("debug", `Event '${frame.event}' means nothing to the service; it is dropped.`);
  }
}

/** Does what the service says. */
export function handleMessage(context: ChannelContext, target: Target, argument: unknown): void {
  switch (target) {
    case "postgres_changes":
      return receiveChanges(context, argument);
    case "broadcast":
    case "presence_diff":
    case "presence_state":
      return receiveLive(context, target, argument);
    case "progress":
      return receiveProgress(context, argument);
    case "system":
      return showNote(context, argument);
    case "close":
      return closeChannels(context, argument);
  }
}

/** Makes the calls of a batch, which are all of one kind. */
export function callBatch(context: ChannelContext, batch: readonly ChannelOperation[]): Promise<void> {
  switch (batch[0]?.kind) {
    case "join":
      return callJoins(context, batch.filter((operation) => operation.kind === "join"));
    case "leave":
      return callLeaves(context, batch.filter((operation) => operation.kind === "leave"));
    case "token":
      return callTokens(context, batch.filter((operation) => operation.kind === "token"));
    case "resume":
      return callResumes(context, batch.filter((operation) => operation.kind === "resume"));
    case undefined:
      return Promise.resolve();
  }
}

function showNote(context: ChannelContext, argument: unknown): void {
  const message = parseScoped(argument);
  if (message === undefined) {
    return;
  }
  const { extension, status, code, message: text } = message.body;
  context.table.named(message.topics, message.ids).forEach((channel) => {
    context.emit(
      system(channel, {
        extension: String(extension ?? "system"),
        status: String(status ?? "error"),
        message: code === undefined || code === null ? String(text ?? "") : `${String(code)}: ${String(text ?? "")}`,
      }),
    );
  });
}

function closeChannels(context: ChannelContext, argument: unknown): void {
  const message = parseScoped(argument);
  if (message?.topics === undefined) {
    context.log("warn", "A 'close' message names no topics; it is dropped.");
    return;
  }
  const text = String(message.body["reason"] ?? "The service closed the channel.");
  context.table.named(message.topics, undefined).forEach((channel) => {
    context.emit(system(channel, { extension: "system", status: "error", message: text }));
    context.emit(closed(channel));
    channel.isOver = true;
    context.table.remove(channel);
    context.table.gone(channel.topic);
  });
}
