import type { ChannelConfig } from "./channelConfig.js";
import type { HeldMessages, Wait } from "./held.js";
import { Positions } from "./positions.js";
import type { PresenceView } from "./presenceView.js";
import type { ChangesMessage, JsonObject } from "./wire.js";

/**
 * A channel that supabase-js has joined, or is joining, on this socket.
 *
 * supabase-js compares the numbers in a change with those that it was told when it joined. The service may renumber a
 * subscription when the token changes, so the numbers it was told at first are kept, and the service's mapped to them.
 */
export class Channel {
  /** As the service knows it. */
  readonly name: string;
  /** The ids of the kept messages that its join brought: at most as many as the service replays. */
  readonly replayed = new Set<string>();
  /** Who is present, where that was asked for and may be read. */
  view: PresenceView | undefined;

  private toldIds: readonly number[] = [];
  private current: ReadonlyMap<number, readonly number[]> = new Map();
  private former: ReadonlyMap<number, readonly number[]> = new Map();
  private readonly positions = new Positions();
  private joined = false;
  private renewal: Wait<ChangesMessage> | undefined;

  constructor(
    /** With the `realtime:` that supabase-js puts before it. */
    readonly topic: string,
    readonly joinRef: string | null,
    /** The entries of `postgres_changes` as supabase-js wrote them. */
    readonly asked: readonly JsonObject[],
    /** The token that decides what the channel sees. */
    public token: string,
    readonly config: ChannelConfig,
  ) {
    this.name = nameOf(topic);
  }

  /**
   * Takes the numbers of an answer, which stand in the order of `asked`; whether they can be those.
   *
   * The former numbers count until the next change of them: for a moment the service sends under both, so that nothing is missed between
   * them, and what was sent under the former ones may still be on its way. A change that came under one is a repeat under the other, because
   * positions are kept by the numbers that supabase-js was told, which stay.
   */
  number(ids: readonly number[]): boolean {
    if (ids.length !== this.asked.length || !ids.every((id) => Number.isInteger(id) && id !== 0)) {
      return false;
    }
    if (this.toldIds.length === 0) {
      this.toldIds = ids;
    }
    const map = new Map<number, number[]>();
    ids.forEach((id, index) => {
      const told = this.toldIds[index] ?? id;
      const all = map.get(id) ?? [];
      map.set(id, all.includes(told) ? all : [...all, told]);
    });
    this.former = this.current;
    this.current = map;
    this.joined = true;
    return true;
  }

  /** The entries with their numbers, as the reply to the join gives them back. */
  get numbered(): readonly JsonObject[] {
    return this.asked.map((entry, index) => ({ ...entry, id: this.toldIds[index] }));
  }

  /** Whether the service has answered the join. */
  get isJoined(): boolean {
    return this.joined;
  }

  /**
   * Keeps what comes under numbers that are not known yet, from the first call of a new token until an answer names them: the service may have
   * begun to send under them although its answer was lost and the call has to be made again.
   */
  beginRenewal(held: HeldMessages<ChangesMessage>): void {
    this.renewal ??= held.wait();
  }

  /** What came since the renewal began, or undefined where more came than is kept. The renewal is over. */
  endRenewal(): readonly ChangesMessage[] | undefined {
    const missed = this.renewal === undefined ? [] : this.renewal.since();
    this.renewal?.end();
    this.renewal = undefined;
    return missed;
  }

  has(id: number): boolean {
    return this.current.has(id) || this.former.has(id);
  }

  /** What a message means to this channel: a payload for each change that it has not seen yet. */
  payloadsOf({ ids, epoch, schema, table, columns, changes }: ChangesMessage): readonly JsonObject[] {
    const told = new Set(ids.flatMap((id) => this.current.get(id) ?? this.former.get(id) ?? []));
    const streams = [...told].map((id) => ({ id, key: JSON.stringify([id, schema, table, epoch]) }));
    if (streams.length === 0) {
      return [];
    }
    return changes.flatMap(({ position, type, commit_timestamp, record, old_record, errors }) => {
      const fresh = streams.filter(({ key }) => this.positions.advance(key, position)).map(({ id }) => id);
      return fresh.length === 0
        ? []
        : [{ ids: fresh, data: { schema, table, commit_timestamp, type, columns, record, old_record, errors: errors ?? null } }];
    });
  }
}

/** The topic as the service knows it: supabase-js puts `realtime:` before it. */
export function nameOf(topic: string): string {
  return topic.replace(/^realtime:/i, "");
}
