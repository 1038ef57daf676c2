import { PresenceMirror } from "./presenceMirror.js";

/**
 * Keeps what supabase-js shows of topics that are not joined for the moment.
 *
 * supabase-js keeps its presences over a reconnect, and compares them with the state of the next join.
 */
export class PresenceMirrors {
  private readonly mirrors = new Map<string, PresenceMirror>();

  constructor(private readonly limit = 100) {}

  /** The mirror of a topic, which is the caller's from now on. */
  take(topic: string): PresenceMirror {
    const mirror = this.mirrors.get(topic) ?? new PresenceMirror();
    this.mirrors.delete(topic);
    return mirror;
  }

  put(topic: string, mirror: PresenceMirror): void {
    this.mirrors.delete(topic);
    if (this.mirrors.size >= this.limit) {
      const [oldest] = this.mirrors.keys();
      this.mirrors.delete(oldest ?? topic);
    }
    this.mirrors.set(topic, mirror);
  }
}
