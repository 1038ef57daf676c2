export type { Hub, HubFactory } from "./hub.js";
export { withLeave } from "./withLeave.js";
export type { Logger, MissedChanges, Resumed, TransportOptions } from "./options.js";
export { realtimeTransport, type RealtimeTransport } from "./transport.js";
