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
    ["a kind that only the service sends", [4, 0, 0, 0, 0, 0, 0]],
    ["a header that ends early", [3, 1, 1, 200, 1, 0, 1, 65]],
    ["a header of lengths that nothing follows", [3, 255, 255, 255, 255, 255, 1]],
    ["a kind and nothing else", [3]],
    ["lengths that are cut short", [3, 0, 0, 0, 0, 0]],
    ["an unknown encoding", [3, 0, 0, 0, 1, 0, 2, 65]],
    ["a payload that is no JSON", [3, 0, 0, 0, 1, 0, 1, 65, 123]],
    ["no payload where JSON is announced", [3, 0, 0, 0, 1, 0, 1, 65]],
    ["metadata that is no JSON", [3, 0, 0, 0, 1, 1, 0, 65, 123]],
    ["nothing", []],
  ])("are refused with %s", (_, bytes) => {
    expect(() => decodeFrame("2.0.0", new Uint8Array(bytes))).toThrow(SyntaxError);
  });

  it("are refused, or read as what they are, wherever they are cut short", () => {
    const whole = new Uint8Array(broadcast(new Uint8Array([1, 2, 3]).buffer));
    for (let length = 0; length < whole.length; length++) {
      // A WebSocket keeps frames whole; what is cut within the payload is simply a shorter one.
      const isWithinPayload = length >= whole.length - 3;
      const read = (): unknown => decodeFrame("2.0.0", whole.slice(0, length));
      if (isWithinPayload) {
        expect(read).not.toThrow();
      } else {
        expect(read).toThrow(SyntaxError);
      }
    }
  });

  it("are refused with a payload that announces JSON and is no UTF-8", () => {
    expect(() => decodeFrame("2.0.0", new Uint8Array([3, 0, 0, 0, 1, 0, 1, 65, 0x22, 0xff, 0x22]))).toThrow();
  });

  it("with metadata are read, without a reference too", () => {
    const meta = new TextEncoder().encode('{"a":"ü"}');
    expect(decodeFrame("2.0.0", new Uint8Array([3, 0, 0, 1, 1, meta.length, 1, 116, 101, ...meta, 0x37]))).toEqual({
      joinRef: null,
      ref: null,
      topic: "t",
      event: "broadcast",
      payload: { type: "broadcast", event: "e", payload: 7, meta: { a: "ü" } },
    });
  });

  it("in UTF-8, as supabase-js writes them since 2.111, are read", () => {
    const [topic, event] = ["realtime:房间 🎉", "事件"].map((text) => new TextEncoder().encode(text));
    const head = [3, 1, 1, topic?.length ?? 0, event?.length ?? 0, 0, 1];
    const frame = new Uint8Array([...head, 49, 50, ...(topic ?? []), ...(event ?? []), 0x37]);
    const read = { joinRef: "1", ref: "2", topic: "realtime:房间 🎉", event: "broadcast", payload: { type: "broadcast", event: "事件", payload: 7 } };
    expect(decodeFrame("2.0.0", frame)).toEqual(read);
    expect(decodeFrame("2.0.0", frame, () => "realtime:房间 🎉")).toEqual(read);
  });

  it.each(["realtime:room", "realtime:ü", "realtime:房间", "realtime:🎉🎉"])("to %s are read with the topic that the join had", (topic) => {
    let data: unknown;
    peer.encode({ join_ref: "1", ref: "22", topic, event: "broadcast", payload: { event: "größe", payload: [1] } }, (encoded) => (data = encoded));
    const topicOf = (joinRef: string): string | undefined => (joinRef === "1" ? topic : undefined);
    expect(decodeFrame("2.0.0", data as ArrayBuffer, topicOf)).toEqual({
      joinRef: "1",
      ref: "22",
      topic,
      event: "broadcast",
      payload: { type: "broadcast", event: "größe", payload: [1] },
    });
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
