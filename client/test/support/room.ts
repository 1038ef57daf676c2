import type { RealtimeChannel, SupabaseClient } from "@supabase/supabase-js";
import { Inbox } from "./inbox.js";
import { Statuses } from "./statuses.js";

/** Who is present, as a channel shows it: the names told under each key, sorted. */
export type Roster = Readonly<Record<string, readonly string[]>>;

/** A channel as an application makes it that shows who is online, with what it was told. */
export class Room {
  readonly channel: RealtimeChannel;
  readonly statuses: Statuses;
  /** Every `sync`, with what was shown then. */
  readonly syncs = new Inbox<Roster>();
  /** Every `join` and `leave`, as `join key`. */
  readonly events = new Inbox<string>();

  /** Subscribes; with `told`, is present from then on, after each reconnect too. */
  constructor(client: SupabaseClient, topic: string, key: string, told?: Readonly<Record<string, unknown>>, isPrivate = false) {
    this.channel = client.channel(topic, { config: { presence: { key }, private: isPrivate } });
    this.channel
      .on("presence", { event: "sync" }, () => this.syncs.add(this.roster))
      .on("presence", { event: "join" }, (joined) => this.events.add(`join ${joined.key}`))
      .on("presence", { event: "leave" }, (left) => this.events.add(`leave ${left.key}`));
    this.statuses = new Statuses(this.channel, undefined, (status) => {
      if (status === "SUBSCRIBED" && told !== undefined) {
        void this.channel.track(told);
      }
    });
  }

  get roster(): Roster {
    const state = this.channel.presenceState<{ readonly name: string }>();
    return Object.fromEntries(Object.entries(state).map(([key, presences]) => [key, presences.map(({ name }) => name).sort()]));
  }

  /** Waits until these and no others are shown. */
  async until(roster: Roster, withinMs?: number): Promise<void> {
    const wanted = textOf(roster);
    await this.syncs.until(() => textOf(this.roster) === wanted, withinMs);
  }
}

function textOf(roster: Roster): string {
  return JSON.stringify(Object.entries(roster).sort(([left], [right]) => (left < right ? -1 : 1)));
}
