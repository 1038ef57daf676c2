// Prints "PASSED FAILED" from a test runner's report; "0 0" where there is none that can be read.
import { readFileSync } from "node:fs";

/** Visual Studio's format: <Counters total="3" executed="3" passed="2" failed="1" error="0" timeout="0" aborted="0" ... />. */
function trx(text) {
  const counters = /<Counters ([^>]*)>/.exec(text)?.[1] ?? "";
  const number = (name) => Number(new RegExp(`\\b${name}="(\\d+)"`).exec(counters)?.[1] ?? 0);
  return [number("passed"), number("failed") + number("error") + number("timeout") + number("aborted")];
}

/** A suite that could not be loaded has no tests to fail, so it counts itself. */
function vitest(text) {
  const report = JSON.parse(text);
  const broken = report.testResults.filter((suite) => suite.status === "failed" && !suite.assertionResults.some((test) => test.status === "failed"));
  return [report.numPassedTests, report.numFailedTests + broken.length];
}

const [format, file] = process.argv.slice(2);
let counts = [0, 0];
try {
  counts = { trx, vitest }[format](readFileSync(file, "utf8"));
} catch (error) {
  console.error(`The report ${file} cannot be read: ${error.message}`);
}
console.log(counts.join(" "));
