import type { Gap } from "./hold.js";
import type { Table } from "./tablePositions.js";
import { isObject, listOf, parseChanges, parseCursor, type ChangesMessage, type Cursor, type JsonObject } from "./wire.js";

/** What became of one subscription. */
export interface ResumedSubscription {
  readonly id: number;
  readonly more: boolean;
  readonly tables: readonly (Table & { readonly position: string })[];
  /** There where what was missed cannot be given; the stream goes on from the cursor. */
  readonly gap: (Gap & { readonly cursor: Cursor }) | undefined;
}

/** One channel's part of an answer of `channels/resume`. */
export type ResumeAnswer =
  | { readonly status: "ok"; readonly messages: readonly ChangesMessage[]; readonly subscriptions: readonly ResumedSubscription[] }
  | { readonly status: "error"; readonly statusCode: number; readonly code: string; readonly message: string };

/** The parts of an answer, which stand in the order of the question; undefined where there are not `count` of them. */
export function parseResumed(value: unknown, count: number): readonly ResumeAnswer[] | undefined {
  const channels = isObject(value) ? listOf(value["channels"]) : [];
  return channels.length === count ? channels.map(parseAnswer) : undefined;
}

function parseAnswer({ status, statusCode, code, message, messages, subscriptions }: JsonObject): ResumeAnswer {
  if (status !== "ok" || !Array.isArray(messages) || !Array.isArray(subscriptions)) {
    return {
      status: "error",
      statusCode: typeof statusCode === "number" ? statusCode : 0,
      code: String(code ?? "UnexpectedAnswer"),
      message: String(message ?? "The service's answer has no 'messages' and 'subscriptions'."),
    };
  }
  return {
    status,
    messages: listOf(messages).flatMap((one) => parseChanges(one) ?? []),
    subscriptions: listOf(subscriptions).map(parseSubscription),
  };
}

function parseSubscription({ id, more, tables, gap, cursor }: JsonObject): ResumedSubscription {
  const next = parseCursor(cursor);
  return {
    id: Number(id),
    more: more === true,
    tables: listOf(tables).map(({ schema, table, position }) => ({ schema: String(schema), table: String(table), position: String(position) })),
    gap: isObject(gap) && next !== undefined ? { reason: String(gap["reason"] ?? "Unknown"), message: String(gap["message"] ?? ""), cursor: next } : undefined,
  };
}
