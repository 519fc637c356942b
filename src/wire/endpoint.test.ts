import { describe, expect, it } from "vitest";
import { parseEndpoint } from "./endpoint.ts";

const URI = "postgresql://u:p@h/d";

describe("connection parameters", () => {
  it.each([
    ["sslmode=maybe", "sslmode must be one of disable, allow, prefer, require, verify-ca, verify-full"],
    ["channel_binding=yes", "channel_binding must be one of disable, prefer, require"],
    ["gssencmode=require", "gssencmode=require is not supported"],
    ["gssencmode=on", "gssencmode must be one of"],
    ["target_session_attrs=master", "target_session_attrs must be one of any, read-write"],
    ["sslnegotiation=quick", "sslnegotiation must be one of postgres, direct"],
    ["sslnegotiation=direct&sslmode=prefer", "sslnegotiation=direct needs sslmode require"],
    ["passfile=/no/such/file", "the file of passfile cannot be read: /no/such/file"],
    ["sslcrl=x", 'unknown parameter "sslcrl"'],
    ["options=-c%20a=b", 'unknown parameter "options"'],
  ])("%s is refused", (query, why) => {
    expect(() => parseEndpoint("source", `${URI}?${query}`)).toThrow(why);
  });

  it.each([
    ["PGSSLMODE", "maybe"],
    ["PGCHANNELBINDING", "yes"],
    ["PGGSSENCMODE", "require"],
    ["PGTARGETSESSIONATTRS", "master"],
    ["PGSSLNEGOTIATION", "direct"],
  ])("%s=%s is refused in the environment too", (name, text) => {
    expect(() => parseEndpoint("source", URI, { [name]: text })).toThrow(/^source: /);
  });

  it("what asks for nothing is taken", () => {
    const endpoint = parseEndpoint("source", `${URI}?channel_binding=prefer&gssencmode=disable&target_session_attrs=any&sslnegotiation=postgres`, { PGPASSFILE: "/somewhere" });
    expect(endpoint).toMatchObject({ sessionAttributes: "any", passFile: "/somewhere", tls: { direct: false, channelBinding: false } });
  });

  it("the URI wins over the environment", () => {
    const endpoint = parseEndpoint("target", `${URI}?target_session_attrs=primary&channel_binding=disable`, { PGTARGETSESSIONATTRS: "standby", PGCHANNELBINDING: "require" });
    expect(endpoint).toMatchObject({ sessionAttributes: "primary", tls: { channelBinding: false } });
  });

  it.each(["postgresql://u@h%0aost/d", "host='h\u001b[31most' user=u dbname=d", "postgresql://u@/d?host=%00h"])("a host with a control character is refused: %j", (text) => {
    expect(() => parseEndpoint("source", text)).toThrow("the host holds a control character");
  });
});
