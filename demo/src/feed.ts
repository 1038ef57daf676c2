import { byId, element } from "./element.js";
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

/** The log at the side, with how long changes took. */
export class Feed {
  private readonly list = byId("log");
  private latencies: number[] = [];
  private received = 0;

  constructor() {
    byId("clear").addEventListener("click", () => this.clear());
    this.figures();
  }

  add({ kind, text, latency }: Entry): void {
    const now = new Date();
    const time = element("time", "", clock.format(now));
    time.dateTime = now.toISOString();
    const line = element("li", "", time, element("span", "kind", kind), element("span", "what", text));
    line.dataset["kind"] = kind.toLowerCase();
    if (latency !== undefined) {
      line.append(element("span", "latency", `${latency} ms`));
      this.received++;
      this.latencies = [...this.latencies.slice(-59), latency];
      byId("spoken").textContent = `${kind}: ${text}`;
    }
    this.list.prepend(line);
    while (this.list.childElementCount > longest) {
      this.list.lastElementChild?.remove();
    }
    this.figures();
  }

  private clear(): void {
    this.list.replaceChildren();
    this.latencies = [];
    this.received = 0;
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

function milliseconds(value: number | undefined): string {
  return value === undefined ? "\u2013" : `${value} ms`;
}
