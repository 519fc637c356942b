import { describe, expect, it } from "vitest";
import { NO_ENDPOINT, databaseOf, endpointOf, givenEndpoint, readUri, shownName } from "./endpoint-draft.ts";

describe("a URI, taken apart for the fields", () => {
  it("gives every part, with what was escaped in it", () => {
    expect(readUri("postgresql://app%40x:p%2Fw@old.example:6432/shop%20db?sslmode=verify-full")).toEqual({
      host: "old.example",
      port: "6432",
      user: "app@x",
      password: "p/w",
      dbname: "shop db",
      sslmode: "verify-full",
    });
  });
  it("knows libpq's defaults, and a port that is the default of another protocol", () => {
    expect(readUri("postgres://h")).toMatchObject({ host: "h", port: "5432", user: "", dbname: "" });
    expect(readUri("postgres://h:80/db")).toMatchObject({ port: "80" });
  });
  it("takes parameters for parts", () => {
    expect(readUri("postgresql:///?host=h&port=1&user=u&dbname=d")).toEqual({});
    expect(readUri("postgresql://h/?user=u&dbname=d&sslmode=none")).toMatchObject({ user: "u", dbname: "d" });
  });
  it("leaves alone what is no URI of one server", () => {
    expect(readUri("old.example")).toEqual({});
    expect(readUri("postgresql://one:1,two:2/db")).toEqual({});
  });
});

describe("a server, as the API takes it", () => {
  it("leaves out what is empty: secrets of an earlier task then stay", () => {
    const shown = { host: "h", port: 5433, user: "u", dbname: "d", sslmode: "require", hasPassword: true, hasRootCertificate: false, hasCertificate: false, hasKey: false };
    expect(givenEndpoint(endpointOf(shown))).toEqual({ host: "h", port: 5433, user: "u", dbname: "d", sslmode: "require" });
  });
  it("is the URI itself where one is given", () => {
    expect(givenEndpoint({ ...NO_ENDPOINT, mode: "uri", uri: " postgresql://h/d " })).toBe("postgresql://h/d");
  });
  it("is shown without its password, and with the database that libpq would take", () => {
    expect(shownName({ ...NO_ENDPOINT, mode: "uri", uri: "postgresql://u:secret@h" })).toBe("u@h:5432/u");
    expect(databaseOf({ ...NO_ENDPOINT, host: "h", user: "u" })).toBe("u");
    expect(databaseOf({ ...NO_ENDPOINT, mode: "uri", uri: "postgresql://u@one:1,two:2/shop%20db?sslmode=require" })).toBe("shop db");
  });
});
