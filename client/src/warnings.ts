import type { ChannelContext } from "./context.js";

/** Warns, but not of the same thing again within a minute. */
export function warnOnce(context: ChannelContext, message: string): void {
  if (context.said.isNew(message)) {
    context.log("warn", message);
  }
}
