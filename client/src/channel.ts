import type { ChannelConfig } from "./channelConfig.js";
import type { ChannelMemory } from "./channelMemory.js";
import { EntryPositions } from "./entryPositions.js";
import type { HeldMessages, Wait } from "./held.js";
import type { Hold } from "./hold.js";
import { Numbering } from "./numbering.js";
import type { PresenceView } from "./presenceView.js";
import { RecentIds } from "./recentIds.js";
import type { ChangesMessage, Cursor, JsonObject } from "./wire.js";

/** A channel that supabase-js has joined, or is joining, on this socket. */
export class Channel {
  /** As the service knows it. */
  readonly name: string;
  /** The ids of the broadcasts that were delivered. */
  readonly heard: RecentIds;
  readonly numbering = new Numbering();
  /** How far each entry has come. Kept by place: numbers differ from session to session, and with the token. */
  readonly entries: readonly EntryPositions[];
  /** Who is present, where that was asked for and may be read. */
  view: PresenceView | undefined;
  /** There while row changes are held back. */
  hold: Hold | undefined;
  /** How many times in a row the service lost sight of it before it had resumed. */
  breaks: number;
  /** Whether what it had missed was forgotten before it came back. */
  hasOutlived = false;
  /** Whether the transport itself asked for a replay of broadcasts, so that those heard already are repeats. */
  repeats = false;
  /** Set where it ends for good, so that nothing of it is kept for another join. */
  isOver = false;

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
    /** What it knew when it lost its socket. */
    readonly memory?: ChannelMemory,
  ) {
    this.name = nameOf(topic);
    this.breaks = memory?.breaks ?? 0;
    this.heard = memory?.heard ?? new RecentIds();
    this.entries = asked.map((_, place) => memory?.entries[place] ?? new EntryPositions());
  }

  /** Takes the numbers of an answer, which stand in the order of `asked`; whether they can be those. */
  number(ids: readonly number[]): boolean {
    const taken = this.numbering.take(ids, this.asked.length);
    this.joined ||= taken;
    return taken;
  }

  /** Takes the cursor of its join: entries that do not resume begin there. */
  begin(cursor: Cursor | undefined): void {
    if (cursor !== undefined) {
      this.entries.filter(({ canResume }) => !canResume).forEach((entry) => entry.begin(cursor));
    }
  }

  /** The entries with their numbers, as the reply to the join gives them back. */
  get numbered(): readonly JsonObject[] {
    return this.asked.map((entry, place) => ({ ...entry, id: this.numbering.toldOf(place) }));
  }

  /** Whether the service has answered the join. */
  get isJoined(): boolean {
    return this.joined;
  }

  get canResume(): boolean {
    return this.entries.some(({ canResume }) => canResume);
  }

  /**
   * Keeps what comes under numbers that are not known yet, from the first call of a new token until an answer names them: the service may have
   * begun to send under them although its answer was lost and the call has to be made again.
   */
  beginRenewal(held: HeldMessages<ChangesMessage>): void {
    this.renewal ??= held.wait();
  }

  get isRenewing(): boolean {
    return this.renewal !== undefined;
  }

  /** The renewal is over; what waited for it is the caller's to end. */
  endRenewal(): Wait<ChangesMessage> | undefined {
    const wait = this.renewal;
    this.renewal = undefined;
    return wait;
  }

  has(id: number): boolean {
    return this.numbering.has(id);
  }

  /** Whether something may be missing before this message; if so that is noted. */
  isTorn(message: ChangesMessage): boolean {
    const holes = this.numbering.placesOf(message.ids).filter((place) => this.entries[place]?.isHole(message) === true);
    holes.forEach((place) => this.entries[place]?.tear(message));
    return holes.length > 0;
  }

  /** What a message means to this channel: a payload for each change that it has not seen yet. */
  payloadsOf({ ids, epoch, schema, table, columns, changes }: ChangesMessage): readonly JsonObject[] {
    const places = this.numbering.placesOf(ids);
    if (places.length === 0) {
      return [];
    }
    return changes.flatMap(({ position, type, commit_timestamp, record, old_record, errors }) => {
      const fresh = new Set(places.flatMap((place) => (this.advance(place, epoch, { schema, table }, position) ? [this.numbering.toldOf(place)] : [])));
      return fresh.size === 0
        ? []
        : [{ ids: [...fresh], data: { schema, table, commit_timestamp, type, columns, record, old_record, errors: errors ?? null } }];
    });
  }

  /** Entries that supabase-js was told one number for are served together, whichever of them a change came for. */
  private advance(place: number, epoch: string, table: { schema: string; table: string }, position: string): boolean {
    return this.numbering
      .toldAlike(place)
      .map((alike) => this.entries[alike]?.advance(epoch, table, position) === true)
      .some((isNew) => isNew);
  }
}

/** The topic as the service knows it: supabase-js puts `realtime:` before it. */
export function nameOf(topic: string): string {
  return topic.replace(/^realtime:/i, "");
}
