export type { Hub, HubFactory } from "./hub.js";
export type { Logger, TransportOptions } from "./options.js";
export { realtimeTransport, type RealtimeTransport } from "./transport.js";
