import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import type { Address } from "./app.js";

const here = fileURLToPath(new URL("./", import.meta.url));
const modules = fileURLToPath(new URL("../../../node_modules/", import.meta.url));

/** The program that {@link Crowd} runs, built from its source. */
export interface CrowdProgram {
  readonly path: string;
  remove(): Promise<void>;
}

export async function buildCrowdProgram(): Promise<CrowdProgram> {
  // Beside the packages, which it needs as they are.
  const folder = await mkdtemp(join(modules, ".crowd-"));
  const path = join(folder, "crowd.mjs");
  await build({ entryPoints: [join(here, "crowdProcess.ts")], outfile: path, bundle: true, platform: "node", format: "esm", packages: "external" });
  return { path, remove: () => rm(folder, { recursive: true }) };
}

/** Where a crowd's clients are, and how they reach the service. */
export interface CrowdPlace extends Address {
  readonly topic: string;
  /** Where SignalR is reached, where that is not the address that negotiate gives. */
  readonly signalRPort?: number;
}

/** What clients saw: how many saw each `join key` and `leave key`. */
export type Seen = Readonly<Record<string, number>>;

/** Clients in a process of their own, each present on one topic under its name, and told who else is. */
export class Crowd {
  private readonly waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  private calls = 0;

  private constructor(private readonly child: ChildProcess) {
    child.on("message", ({ id, result, error }: { id: number; result: unknown; error?: string }) => {
      const waiter = this.waiting.get(id);
      this.waiting.delete(id);
      if (error === undefined) {
        waiter?.resolve(result);
      } else {
        waiter?.reject(new Error(error));
      }
    });
    child.on("exit", () => this.waiting.forEach(({ reject }) => reject(new Error("The process of the clients has ended."))));
  }

  static async start(program: CrowdProgram, place: CrowdPlace): Promise<Crowd> {
    const child = fork(program.path, [JSON.stringify(place)], { execArgv: [], stdio: ["ignore", "inherit", "inherit", "ipc"] });
    await once(child, "message");
    return new Crowd(child);
  }

  /** Connects clients of these names, and has them say that they are present. */
  enter(names: readonly string[]): Promise<void> {
    return this.call("enter", names) as Promise<void>;
  }

  /** Waits until every client shows exactly these, each once; answers the time at which the last of them did. */
  until(names: readonly string[], withinMs: number): Promise<number> {
    return this.call("until", names, withinMs) as Promise<number>;
  }

  /** What was seen since this was asked last. */
  seen(): Promise<Seen> {
    return this.call("seen") as Promise<Seen>;
  }

  /** `kill -9`. */
  async kill(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const exited = once(this.child, "exit");
      this.child.kill("SIGKILL");
      await exited;
    }
  }

  private call(name: string, ...args: readonly unknown[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const id = this.calls++;
      this.waiting.set(id, { resolve, reject });
      this.child.send({ id, name, args });
    });
  }
}
