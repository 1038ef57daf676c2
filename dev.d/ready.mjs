// node ready.mjs URL PID SECONDS: ends well when the URL answers 200; prints why not when the process is gone or the time is over.
const [url, pid, seconds] = process.argv.slice(2);
const end = Date.now() + Number(seconds) * 1000;
let last = "no answer yet";

function isRunning() {
  try {
    return process.kill(Number(pid), 0);
  } catch {
    return false;
  }
}

while (isRunning() && Date.now() < end) {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(2000) });
    if (answer.status === 200) {
      process.exit(0);
    }
    last = `${new URL(url).pathname} answers ${answer.status}: ${(await answer.text()).slice(0, 300)}`;
  } catch {
    last = `nothing answers at ${url}`;
  }
  await new Promise((resolve) => setTimeout(resolve, 100));
}
console.log(last);
process.exit(1);
