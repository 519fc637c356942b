import { describe, expect, it } from "vitest";
import { ServerAnswer } from "./server-answer.ts";

function message(tag: string, body: string): Buffer {
  const head = Buffer.from(`${tag}\0\0\0\0`, "latin1");
  head.writeUInt32BE(body.length + 4, 1);
  return Buffer.concat([head, Buffer.from(body, "latin1")]);
}

/** A row whose text looks like ReadyForQuery, an error, the end. */
const ANSWER = Buffer.concat([message("D", "row Z\0\0\0\x05I and more"), message("E", "Mbroken\0\0"), message("Z", "I")]);

describe("ServerAnswer", () => {
  it("is complete with ReadyForQuery, wherever the bytes are split", () => {
    for (let at = 1; at < ANSWER.length; at++) {
      const errors: string[] = [];
      const answer = new ServerAnswer((body) => errors.push(body.toString("latin1")));
      expect(answer.take(ANSWER.subarray(0, at))).toBeUndefined();
      expect(Buffer.from(answer.take(ANSWER.subarray(at))!)).toEqual(ANSWER);
      expect(errors).toEqual(["Mbroken\0\0"]);
    }
  });

  it("holds answers of any size, one after the other", () => {
    const answer = new ServerAnswer(() => undefined);
    for (const size of [10, 300_000, 1]) {
      const bytes = Buffer.concat([message("D", "x".repeat(size)), message("Z", "I")]);
      let whole: ArrayBuffer | undefined;
      for (let from = 0; from < bytes.length; from += 50_000) whole = answer.take(bytes.subarray(from, from + 50_000));
      expect(Buffer.from(whole!).equals(bytes)).toBe(true);
    }
  });
});
