import { describe, expect, it } from "vitest";
import { parseEndpoint } from "../../src/endpoint.js";

describe("the address that supabase-js opens", () => {
  it("tells where the routes are, the key and the serializer", () => {
    expect(parseEndpoint("wss://host:8443/realtime/v1/websocket?apikey=k%2Fy&vsn=2.0.0")).toEqual({
      base: "https://host:8443/realtime/v1",
      apikey: "k/y",
      version: "2.0.0",
    });
  });

  it("means serializer 1.0.0 where it names none, as with a Phoenix server", () => {
    expect(parseEndpoint("ws://host/realtime/v1/websocket?apikey=k").version).toBe("1.0.0");
  });

  it.each([
    ["10", 10],
    ["0.5", 0.5],
    ["0", undefined],
    ["-1", undefined],
    ["many", undefined],
    ["", undefined],
    ["Infinity", undefined],
  ])("says with eventsPerSecond=%s how many broadcasts may leave", (text, expected) => {
    expect(parseEndpoint(`ws://host/realtime/v1/websocket?apikey=k&eventsPerSecond=${text}`).eventsPerSecond).toBe(expected);
  });

  it.each([
    ["ws://host/realtime/v1/websocket?vsn=2.0.0", "apikey"],
    ["ws://host/realtime/v1/websocket?apikey=k&vsn=3.0.0", "3.0.0"],
    ["ftp://host/realtime/v1/websocket?apikey=k", "ftp:"],
  ])("is refused where it is %s", (address, problem) => {
    expect(() => parseEndpoint(address)).toThrow(problem);
  });
});
