import { byId, element } from "./element.js";
import { oncePerFrame } from "./frames.js";
import { isMoving } from "./motion.js";
import { sparkline } from "./sparkline.js";

/** One line of the log. */
export interface Entry {
  readonly kind: string;
  readonly text: string;
  /** Milliseconds from the commit until the page heard of it, where it is about a change. */
  readonly latency?: number;
}

const longest = 200;

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3, hourCycle: "h23" });

/** The log at the side, with how long changes took. What came since the frame before is written in one go. */
export class Feed {
  private readonly list = byId("log");
  private readonly draw = oncePerFrame(() => this.redraw());
  private waiting: { readonly entry: Entry; readonly at: Date }[] = [];
  private latencies: number[] = [];
  private received = 0;
  private unspoken = 0;

  constructor() {
    byId("clear").addEventListener("click", () => this.clear());
    this.figures();
  }

  add(entry: Entry): void {
    this.waiting = [...this.waiting.slice(1 - longest), { entry, at: new Date() }];
    if (entry.latency !== undefined) {
      this.received++;
      this.unspoken++;
      this.latencies = [...this.latencies.slice(-59), entry.latency];
    }
    this.draw();
  }

  private redraw(): void {
    const isCalm = !isMoving(this.waiting.length);
    this.list.prepend(...this.waiting.map(({ entry, at }) => lineOf(entry, at, isCalm)).reverse());
    while (this.list.childElementCount > longest) {
      this.list.lastElementChild?.remove();
    }
    this.speak();
    this.waiting = [];
    this.figures();
  }

  private speak(): void {
    const last = this.waiting.filter(({ entry }) => entry.latency !== undefined).at(-1)?.entry;
    if (last !== undefined) {
      const many = this.unspoken > 1 ? `${this.unspoken} changes, the last ` : "";
      byId("spoken").textContent = `${many}${last.kind}: ${last.text}`;
    }
    this.unspoken = 0;
  }

  private clear(): void {
    this.list.replaceChildren();
    this.waiting = [];
    this.latencies = [];
    this.received = 0;
    this.unspoken = 0;
    this.figures();
  }

  private figures(): void {
    const sorted = [...this.latencies].sort((left, right) => left - right);
    byId("received").textContent = String(this.received);
    byId("median").textContent = milliseconds(sorted[Math.floor(sorted.length / 2)]);
    byId("last").textContent = milliseconds(this.latencies.at(-1));
    byId("empty").hidden = this.list.childElementCount > 0;
    sparkline(byId("spark"), this.latencies);
  }
}

function lineOf({ kind, text, latency }: Entry, at: Date, isCalm: boolean): HTMLElement {
  const time = element("time", "", clock.format(at));
  time.dateTime = at.toISOString();
  const line = element("li", isCalm ? "calm" : "", time, element("span", "kind", kind), element("span", "what", text));
  line.dataset["kind"] = kind.toLowerCase();
  if (latency !== undefined) {
    line.append(element("span", "latency", `${latency} ms`));
  }
  return line;
}

function milliseconds(value: number | undefined): string {
  return value === undefined ? "\u2013" : `${value} ms`;
}
