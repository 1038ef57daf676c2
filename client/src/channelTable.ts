import type { Channel } from "./channel.js";

/** The channels of one socket, and what the service may still hold of them. */
export class ChannelTable {
  private readonly channels = new Map<string, Channel>();
  private readonly known = new Set<string>();

  constructor(
    /** Is told of every channel that ends, for whichever reason. */
    private readonly ended: (channel: Channel) => void = () => undefined,
  ) {}

  get(topic: string): Channel | undefined {
    return this.channels.get(topic);
  }

  /** Ends the channel of a topic, and answers it: what it knew is free for the next one to take. */
  end(topic: string): Channel | undefined {
    const former = this.channels.get(topic);
    if (former !== undefined) {
      this.remove(former);
    }
    return former;
  }

  /** Puts a channel in the free place of its topic. */
  add(channel: Channel): void {
    this.channels.set(channel.topic, channel);
  }

  /** Whether it is the one that its topic means now, and not one that was left or replaced while an answer was awaited. */
  isCurrent(channel: Channel): boolean {
    return this.channels.get(channel.topic) === channel;
  }

  remove(channel: Channel): void {
    if (this.isCurrent(channel)) {
      this.channels.delete(channel.topic);
      channel.endRenewal()?.end();
      channel.hold?.wait.end();
      this.ended(channel);
    }
  }

  /** Ends them all. */
  clear(): void {
    this.channels.forEach((channel) => this.remove(channel));
  }

  /** The topic of the channel that was joined under a reference: supabase-js counts them, so there is one at most. */
  topicOf(joinRef: string): string | undefined {
    return [...this.channels.values()].find((channel) => channel.joinRef === joinRef)?.topic;
  }

  /** The channels of a topic of the service: those that are being joined, and those that are. */
  about(name: string): readonly [joining: readonly Channel[], joined: readonly Channel[]] {
    const channels = [...this.channels.values()].filter((channel) => channel.name === name);
    return [channels.filter(({ isJoined }) => !isJoined), channels.filter(({ isJoined }) => isJoined)];
  }

  /** The channels whose join was answered. */
  joined(): readonly Channel[] {
    return [...this.channels.values()].filter((channel) => channel.isJoined);
  }

  /** The joined channels that a message of the service names; all where it names none. */
  named(topics: readonly string[] | undefined, ids: readonly number[] | undefined): readonly Channel[] {
    return topics === undefined && ids === undefined
      ? this.joined()
      : this.joined().filter((channel) => topics?.includes(channel.name) === true || ids?.some((id) => channel.has(id)) === true);
  }

  /** A join was sent: from now on the service may have the topic, whatever becomes of the answer. */
  sent(topic: string): void {
    this.known.add(topic);
  }

  /** The service said that it does not have the topic. */
  gone(topic: string): void {
    this.known.delete(topic);
  }

  /** Whether a leave has anything to leave. */
  mayBeJoined(topic: string): boolean {
    return this.known.has(topic);
  }
}
