import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { EmbeddedServer } from "../embedded/server.ts";
import { InterruptibleSessions } from "../task/interruptible-sessions.ts";
import { parseEndpoint } from "../wire/endpoint.ts";
import { quoteIdentifier, quoteLiteral } from "../wire/quote.ts";

/** The sample's database. */
export const SAMPLE_DATABASE = "shop";

/** Roles of the sample that can log in. */
const LOGINS = ["webshop", "analyst", "anna.keller"];

/**
 * Makes the roles and the database of the sample on a server (PostgreSQL 14 or later: a function has a BEGIN ATOMIC body).
 * `onPart` hears what is being made. The content is the same in every run. `adapt`: the script for a server that does not take it as it is.
 */
export async function fillSample(
  server: EmbeddedServer,
  scale: number,
  onPart: (title: string) => void,
  signal: AbortSignal,
  adapt: (script: string) => string = (script) => script,
): Promise<void> {
  await using sessions = new InterruptibleSessions(signal);
  onPart("roles");
  const admin = await sessions.open(parseEndpoint("source", server.uri()));
  await admin.query(await readSql("roles.sql"));
  for (const role of LOGINS) await admin.query(`alter role ${quoteIdentifier(role)} password ${quoteLiteral(randomBytes(18).toString("base64"))}`);
  await admin.query(`create database ${quoteIdentifier(SAMPLE_DATABASE)} owner shop_owner`);
  const shop = await sessions.open(parseEndpoint("source", server.uri(SAMPLE_DATABASE)), { settings: { "godwit.scale": String(scale) } });
  for (const { title, sql } of partsOf(adapt(await readSql("shop.sql")))) {
    signal.throwIfAborted();
    onPart(title);
    await shop.query(sql);
  }
}

async function readSql(file: string): Promise<string> {
  return await readFile(new URL(file, import.meta.url), "utf8");
}

/** A script's parts begin with a `-- ## title` line. */
function partsOf(script: string): { title: string; sql: string }[] {
  return script
    .split(/^-- ## /m)
    .slice(1)
    .map((part) => ({ title: part.slice(0, part.indexOf("\n")), sql: `-- ${part}` }));
}
