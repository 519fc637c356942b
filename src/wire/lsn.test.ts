import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Lsn, ZERO_LSN, formatLsn, lsnAt, parseLsn } from "./lsn.ts";

describe("an LSN", () => {
  it("is written as the server writes it", () => {
    expect(formatLsn(parseLsn("16/B374D848"))).toBe("16/B374D848");
    expect(formatLsn(parseLsn("0/00000a1"))).toBe("0/A1");
    expect(formatLsn(ZERO_LSN)).toBe("0/0");
    expect(parseLsn("FFFFFFFF/FFFFFFFF")).toBe(2n ** 64n - 1n);
  });

  it("is the same as text and as bytes, in the same order", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (position) => {
        const bytes = Buffer.alloc(9);
        bytes.writeBigUInt64BE(position, 1);
        expect(lsnAt(bytes, 1)).toBe(position);
        expect(parseLsn(formatLsn(position as Lsn))).toBe(position);
      }),
    );
  });

  it.each(["", "16", "16/", "/1", "16/B374D848 ", "100000000/0", "0x1/2", "1/g"])("is not %j", (text) => {
    expect(() => parseLsn(text)).toThrow(expect.objectContaining({ code: "protocol" }));
  });
});
