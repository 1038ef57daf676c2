import { createClient, type RealtimeChannel, type SupabaseClient } from "@supabase/supabase-js";
import { afterEach, beforeEach, expect, vi } from "vitest";
import { realtimeTransport, type RealtimeTransport, type TransportOptions } from "../../src/index.js";
import { StandIn } from "./standIn.js";

const apikey = "anon-key";

/** supabase-js as it is, over the transport, against a stand-in. Time stands still unless a test moves it. */
export class Harness {
  service = new StandIn(apikey);
  warnings: string[] = [];
  debugs: string[] = [];
  private clients: SupabaseClient[] = [];

  constructor(readonly vsn: string) {
    beforeEach(() => {
      vi.useFakeTimers();
      this.service = new StandIn(apikey);
      [this.warnings, this.debugs] = [[], []];
    });
    afterEach(async () => {
      this.clients.splice(0).forEach((client) => void client.removeAllChannels());
      await vi.advanceTimersByTimeAsync(60_000);
      vi.useRealTimers();
      expect(this.service.violations).toEqual([]);
    });
  }

  transportOf(options: TransportOptions = {}): RealtimeTransport {
    return realtimeTransport({
      fetch: this.service.fetch,
      hub: this.service.connect,
      random: () => 0,
      logger: (level, message) => void (level === "warn" ? this.warnings : this.debugs).push(message),
      ...options,
    });
  }

  clientOf(options: TransportOptions = {}, params: Record<string, unknown> = {}, transport = this.transportOf(options)): SupabaseClient {
    const client = createClient("https://service.test", apikey, {
      realtime: { transport, vsn: this.vsn, params },
      auth: { persistSession: false, autoRefreshToken: false },
    });
    this.clients.push(client);
    return client;
  }

  /** Lets time pass. */
  async settle(ms = 20): Promise<void> {
    await vi.advanceTimersByTimeAsync(ms);
  }

  /** Subscribes channels and waits until they are. */
  async joined(...channels: readonly RealtimeChannel[]): Promise<void> {
    channels.forEach((channel) => channel.subscribe());
    await this.settle();
    expect(channels.map(({ state }) => state)).toEqual(channels.map(() => "joined"));
  }

  /** The broadcasts of all calls, one list a call. */
  get sent(): readonly (readonly Record<string, unknown>[])[] {
    return this.service.bodies("channels/broadcast").map(({ messages }) => messages as Record<string, unknown>[]);
  }
}

/** A call that hangs until it is told how to end. */
export class Gate {
  private open: (() => void) | undefined;

  readonly wait = (): Promise<void> => new Promise((resolve) => (this.open = resolve));

  release(): void {
    this.open?.();
  }
}
