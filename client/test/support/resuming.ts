import type { RealtimeChannel, SupabaseClient } from "@supabase/supabase-js";
import { beforeEach } from "vitest";
import type { MissedChanges, RealtimeTransport, Resumed, TransportOptions } from "../../src/index.js";
import { ChangeLog, numberAt } from "./changeLog.js";
import { Harness } from "./harness.js";
import { list } from "./standIn.js";

/** What a channel of an application hears, in order: rows by number, and what it is told of resuming as text. */
export type Heard = (number | string)[];

/** A harness whose service keeps a log to resume from. */
export class Resuming extends Harness {
  log!: ChangeLog;
  resumed: Resumed[] = [];
  gaps: MissedChanges[] = [];

  constructor(vsn: string) {
    super(vsn);
    beforeEach(() => {
      this.log = new ChangeLog(this.service);
      [this.resumed, this.gaps] = [[], []];
    });
  }

  client(options: TransportOptions = {}): SupabaseClient {
    return this.clientOf({}, {}, this.telling(options));
  }

  /** A transport that writes down what it tells the application. */
  telling(options: TransportOptions = {}): RealtimeTransport {
    return this.transportOf({ onResume: (resumed) => void this.resumed.push(resumed), onGap: (gap) => void this.gaps.push(gap), ...options });
  }

  /** A channel that writes down what it hears of `public.todos`; by default of all of it. */
  listener(client: SupabaseClient, heard: Heard, { topic = "room", filters = [undefined] }: { topic?: string; filters?: readonly (string | undefined)[] } = {}): RealtimeChannel {
    const channel = client.channel(topic).on("system", {}, ({ code, count, reason }: { code?: string; count?: number; reason?: string }) => {
      if (code !== undefined) {
        heard.push(`${code} ${count ?? reason}`);
      }
    });
    filters.forEach((filter) =>
      channel.on("postgres_changes", { event: "INSERT", schema: "public", table: "todos", ...(filter === undefined ? {} : { filter }) }, ({ new: row }) =>
        void heard.push(numberAt((row as { title: string }).title)),
      ),
    );
    return channel;
  }

  /** Ends the connection, and waits until the channels are joined again. */
  async reconnect(meanwhile: () => void = () => undefined): Promise<void> {
    this.service.hub.drop("cut");
    meanwhile();
    await this.settle(5_000);
  }

  /** Ends the connection, if there is one. */
  async reconnectIfOpen(): Promise<void> {
    if (this.service.hub.isRunning) {
      await this.reconnect();
    }
  }

  /** The channels of each call to resume. */
  get asked(): readonly (readonly Record<string, unknown>[])[] {
    return this.service.bodies("channels/resume").map(({ channels }) => list(channels));
  }
}

export const rows = (from: number, to: number): readonly number[] => Array.from({ length: to - from + 1 }, (_, index) => from + index);
