import { createRequire } from "node:module";
import { describe, expect, it } from "vitest";
import { encodeUserBroadcast } from "../../src/binary.js";
import { decodeFrame, encodeFrame } from "../../src/frames.js";

interface PeerSerializer {
  encode(message: Record<string, unknown>, callback: (data: string | ArrayBuffer) => void): void;
  decode(data: string | ArrayBuffer, callback: (message: Record<string, unknown>) => void): void;
}

// The very serializer of supabase-js, which is not among its exports.
const { default: Serializer } = createRequire(import.meta.url)("@supabase/realtime-js/dist/main/lib/serializer.js") as {
  default: new () => PeerSerializer;
};
const peer = new Serializer();

const join = { joinRef: "1", ref: "2", topic: "realtime:room", event: "phx_join", payload: { config: {} } };

describe("frames", () => {
  it.each(["1.0.0", "2.0.0"] as const)("come back as they were, in serializer %s", (version) => {
    expect(decodeFrame(version, encodeFrame(version, join))).toEqual(join);
  });

  it("are what realtime-js writes in serializer 2.0.0", () => {
    peer.encode({ join_ref: "1", ref: "2", topic: "realtime:room", event: "phx_join", payload: { config: {} } }, (data) => {
      expect(decodeFrame("2.0.0", data)).toEqual(join);
    });
  });

  it("are objects in serializer 1.0.0", () => {
    expect(JSON.parse(encodeFrame("1.0.0", join))).toEqual({
      topic: "realtime:room",
      event: "phx_join",
      payload: { config: {} },
      ref: "2",
      join_ref: "1",
    });
  });

  it.each([
    ["1.0.0", "[]"],
    ["1.0.0", '{"event":"x"}'],
    ["2.0.0", "{}"],
    ["2.0.0", '["1","2","t"]'],
    ["2.0.0", "[null,null,7,8,{}]"],
    ["2.0.0", "no json"],
  ] as const)("are refused in serializer %s where they are %s", (version, data) => {
    expect(() => decodeFrame(version, data)).toThrow(SyntaxError);
  });
});

describe("binary broadcasts", () => {
  const broadcast = (payload: unknown): ArrayBuffer => {
    let data: unknown;
    peer.encode(
      { join_ref: "10", ref: "7", topic: "realtime:room", event: "broadcast", payload: { type: "broadcast", event: "é", payload } },
      (encoded) => (data = encoded),
    );
    return data as ArrayBuffer;
  };

  it("of realtime-js are read, with a JSON payload", () => {
    expect(decodeFrame("2.0.0", broadcast({ text: "grüße" }))).toEqual({
      joinRef: "10",
      ref: "7",
      topic: "realtime:room",
      event: "broadcast",
      payload: { type: "broadcast", event: "é", payload: { text: "grüße" } },
    });
  });

  it("of realtime-js are read, with bytes", () => {
    const frame = decodeFrame("2.0.0", broadcast(new Uint8Array([1, 2, 255]).buffer));
    expect(new Uint8Array((frame.payload as { payload: ArrayBuffer }).payload)).toEqual(new Uint8Array([1, 2, 255]));
  });

  it.each([
    ["an unknown kind", [9, 0, 0, 0, 0, 0, 0]],
    ["a header that ends early", [3, 1, 1, 200, 1, 0, 1, 65]],
    ["nothing", []],
  ])("are refused with %s", (_, bytes) => {
    expect(() => decodeFrame("2.0.0", new Uint8Array(bytes))).toThrow(SyntaxError);
  });

  it("to realtime-js are read by it, with a JSON payload and metadata", () => {
    const data = encodeUserBroadcast({ topic: "realtime:zürich", event: "größe", meta: { id: "1" }, payload: { a: [1] } });
    peer.decode(data, (message) => {
      expect(message).toEqual({
        join_ref: null,
        ref: null,
        topic: "realtime:zürich",
        event: "broadcast",
        payload: { type: "broadcast", event: "größe", payload: { a: [1] }, meta: { id: "1" } },
      });
    });
  });

  it("to realtime-js are read by it, with bytes", () => {
    const data = encodeUserBroadcast({ topic: "t", event: "e", payload: new Uint8Array([7, 8]).buffer });
    peer.decode(data, (message) => {
      expect(new Uint8Array((message["payload"] as { payload: ArrayBuffer }).payload)).toEqual(new Uint8Array([7, 8]));
    });
  });

  it("to realtime-js fit their one-byte lengths, or are refused", () => {
    expect(() => encodeUserBroadcast({ topic: "ü".repeat(128), event: "e", payload: {} })).toThrow("256 bytes");
  });
});
