import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";

/** The built service. */
export const dll = process.env["REALTIME_APP"];

/** Starts the service and waits until it answers at `readyUrl`, with whatever status `isReady` takes. */
export async function launch(
  args: readonly string[],
  environment: NodeJS.ProcessEnv,
  readyUrl: string,
  isReady: (status: number) => boolean = (status) => status === 200,
): Promise<ChildProcess> {
  const child = spawn("dotnet", [dll ?? "", ...args], { env: environment, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  const collect = (chunk: Buffer): void => void (output = (output + chunk.toString()).slice(-8_000));
  child.stdout.on("data", collect);
  child.stderr.on("data", collect);

  const deadline = Date.now() + 60_000;
  while (!isReady(await statusOf(readyUrl))) {
    if (child.exitCode !== null || Date.now() > deadline) {
      await end(child, "SIGKILL");
      throw new Error(`The service did not become ready (exit code ${child.exitCode ?? "none"}). It said:\n${output}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return child;
}

/** Ends a process, the hard way where it does not heed. */
export async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) {
    return;
  }
  const exited = once(child, "exit");
  child.kill(signal);
  const hard = setTimeout(() => child.kill("SIGKILL"), 20_000);
  await exited;
  clearTimeout(hard);
}

export async function freePort(): Promise<number> {
  const probe = createServer();
  probe.listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, "close");
  return port;
}

/** 0 where nobody answers. */
async function statusOf(url: string): Promise<number> {
  try {
    return (await fetch(url)).status;
  } catch {
    return 0;
  }
}
