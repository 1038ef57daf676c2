import { byId } from "./element.js";

/** What the pill at the top can say. */
const labels = { connecting: "Connecting", live: "Live", broken: "Reconnecting", refused: "Not subscribed", closed: "Closed" } as const;

export type ConnectionState = keyof typeof labels;

export function showConnection(state: ConnectionState): void {
  byId("pill").dataset["state"] = state;
  byId("pill-text").textContent = labels[state];
}
