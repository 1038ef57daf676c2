import { realtimeTransport } from "@serverless-realtime/client";
import { createClient, type RealtimePostgresChangesPayload } from "@supabase/supabase-js";
import { showConnection } from "./connection.js";
import { taskOf, type Task } from "./task.js";

/** What the service tells the page about itself. */
export interface Config {
  readonly url: string;
  readonly anonKey: string;
}

/** A change of the table. `task` is as it is now, or as it was where it is gone. */
export interface TaskChange {
  readonly kind: "INSERT" | "UPDATE" | "DELETE";
  readonly task: Task;
  readonly committed: Date;
}

/** The rows that changed last, as many as the service gives at a time. */
export interface Snapshot {
  readonly tasks: readonly Task[];
  readonly limit: number;
  /** Whether the table has other rows besides. */
  readonly hasMore: boolean;
}

export interface Listener {
  /** The rows, as of now. */
  snapshot(rows: Snapshot): void;
  changed(change: TaskChange): void;
  told(kind: string, text: string): void;
}

type Payload = RealtimePostgresChangesPayload<Record<string, unknown>>;

/**
 * Follows the table: the subscription first, then the rows, then what changed while they were fetched.
 *
 * In the other order a change between the two would be missed. After a reconnect the rows are fetched again, for the same reason.
 *
 * @returns Fetches the rows again.
 */
export function follow({ url, anonKey }: Config, listener: Listener): () => void {
  const supabase = createClient(url, anonKey, { realtime: { transport: realtimeTransport() } });
  let waiting: TaskChange[] | undefined;

  const fetchRows = async (): Promise<void> => {
    const meanwhile: TaskChange[] = (waiting = []);
    const rows = await rowsOf();
    // Otherwise they are being fetched anew already.
    if (waiting === meanwhile) {
      waiting = undefined;
      listener.snapshot(rows);
      meanwhile.forEach((change) => listener.changed(change));
    }
  };
  const fetchAgain = (): void => {
    fetchRows().catch((problem: unknown) => listener.told("Warning", `The rows could not be fetched: ${String(problem)}`));
  };

  supabase
    .channel("task-board")
    .on("postgres_changes", { event: "*", schema: "public", table: "project_tasks" }, (payload: Payload) => {
      const change = changeOf(payload);
      if (waiting === undefined) {
        listener.changed(change);
      } else {
        waiting.push(change);
      }
    })
    .on("system", {}, ({ status, message }: { status: string; message: string }) => {
      listener.told(status === "ok" ? "Note" : "Warning", message);
    })
    .subscribe((status, error) => {
      switch (status) {
        case "SUBSCRIBED":
          showConnection("live");
          listener.told("Subscribed", "Every commit from here on arrives.");
          fetchAgain();
          break;
        case "CLOSED":
          showConnection("closed");
          listener.told("Closed", "The channel was closed.");
          break;
        default:
          showConnection(error?.message.startsWith("socket closed") === false ? "refused" : "broken");
          listener.told("Lost", error?.message ?? "No answer; trying again.");
      }
    });
  return fetchAgain;
}

async function rowsOf(): Promise<Snapshot> {
  const response = await fetch("/demo/tasks", { cache: "no-store" });
  if (!response.ok) {
    throw new Error(`/demo/tasks was answered with status ${response.status}.`);
  }
  const { tasks, limit, more } = (await response.json()) as { tasks: Record<string, unknown>[]; limit: number; more: boolean };
  return { tasks: tasks.map(taskOf), limit, hasMore: more };
}

function changeOf(payload: Payload): TaskChange {
  const row = payload.eventType === "DELETE" ? payload.old : payload.new;
  return { kind: payload.eventType, task: taskOf(row), committed: new Date(payload.commit_timestamp) };
}
