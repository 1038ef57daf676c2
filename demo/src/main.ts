import { Board } from "./board.js";
import { showConnection } from "./connection.js";
import { byId } from "./element.js";
import { Feed } from "./feed.js";
import { follow, type Config, type TaskChange } from "./live.js";
import { showSamples } from "./samples.js";
import { labelOf, type Task } from "./task.js";
import { showTheme } from "./theme.js";

let fetchMore = (): void => undefined;
const board = new Board(byId("board"), () => fetchMore());
const feed = new Feed();

showTheme();
showSamples();
start().catch((error: unknown) => {
  showConnection("closed");
  feed.add({ kind: "Warning", text: String(error) });
});

async function start(): Promise<void> {
  const response = await fetch("/demo/config.json", { cache: "no-store" });
  if (!response.ok) {
    throw new Error(`/demo/config.json was answered with status ${response.status}. Is the page served by the service?`);
  }
  const config = (await response.json()) as Config;
  fetchMore = follow(config, {
    snapshot: (rows) => board.reset(rows),
    changed: apply,
    told: (kind, text) => feed.add({ kind, text }),
  });
}

function apply(change: TaskChange): void {
  const before = board.get(change.task.id);
  if (change.kind === "DELETE") {
    board.remove(change.task.id);
  } else {
    board.show(change.task);
  }
  const latency = Math.max(0, Date.now() - change.committed.getTime());
  feed.add({ kind: change.kind, text: describe(change, before), latency });
}

function describe({ kind, task }: TaskChange, before: Task | undefined): string {
  if (kind === "DELETE") {
    return before?.title ?? task.title;
  }
  return kind === "UPDATE" && before !== undefined && before.status !== task.status
    ? `${task.title}: ${labelOf(before.status)} \u2192 ${labelOf(task.status)}`
    : task.title;
}
