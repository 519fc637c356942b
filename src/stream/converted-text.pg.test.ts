import { expect, it } from "vitest";
import { createDatabase } from "../../test/kit/databases.ts";
import { TEST_MAJORS } from "../../test/kit/majors.ts";
import { stopLsn } from "../source/source-position.ts";
import { openSession } from "../wire/session.ts";
import { tupleValues } from "../wire/tuple.ts";
import { openDecoder } from "./change-decoder.ts";
import { ChangeReader } from "./change-reader.ts";

const SIGNAL = new AbortController().signal;

/** What LATIN1 has is more than ASCII, and some of it would be UTF-8; EUC_JP has characters of two and three bytes. */
const SAMPLES = [
  ["LATIN1", "é Ã© ÿ it''s", "spaß"],
  ["WIN1252", "€ „Ã©“", "übung"],
  ["EUC_JP", "日本語 ｱ 仂 it''s", "列名"],
] as const;

it.each(SAMPLES)("what test_decoding says in %s comes as UTF-8, in its order", async (encoding, text, name) => {
  const database = await createDatabase(TEST_MAJORS.at(-1)!, `encoding '${encoding}' lc_collate 'C' lc_ctype 'C' template template0`);
  await using session = await openSession(database.endpoint("source"));
  await session.query(`create table public."${name}" (id int primary key, "${name}" text)`);
  const slot = `text_${process.pid}_${encoding.toLowerCase()}`;
  await session.query("select pg_catalog.pg_create_logical_replication_slot($1, 'test_decoding')", [slot]);
  const received: string[] = [];
  const from = await stopLsn(session);
  const setup = { slot, plugin: "test_decoding", receiver: `test ${slot}`, publication: null, identities: [] } as const;
  try {
    const decoder = await openDecoder(session, setup, new Set([`public\0${name}`]), false);
    await using reader = await ChangeReader.open(session, {
      setup,
      pluginOptions: decoder.options,
      signal: SIGNAL,
      onConnected: async () => undefined,
      handler: {
        onMessage: (bytes, start, end, walEnd) => {
          for (const message of decoder.decode(bytes, start, end, walEnd)) {
            if (message.kind === "relation") received.push(`${message.relation.name} (${message.relation.columns.map((column) => column.name).join(", ")})`);
            if (message.kind === "insert") received.push(tupleValues(message.newTuple).join(" "));
          }
        },
        onKeepalive: () => undefined,
      },
      received: () => from,
      durable: () => from,
      onBacklog: () => undefined,
      onRound: () => undefined,
    });
    await session.query(`insert into public."${name}" values (1, '${text}'), (2, 'plain'), (3, '${text}')`);
    // More than is read ahead.
    await session.query(`insert into public."${name}" select n, pg_catalog.repeat('${text.slice(0, 2)}', 1000) || n from pg_catalog.generate_series(10, 6009) n`);
    await session.query(`insert into public."${name}" values (4, 'the end')`);
    reader.failed.catch((error: unknown) => received.push(String(error)));
    await expect.poll(() => received.at(-1)).toBe("4 the end");
  } finally {
    await expect.poll(async () => await session.query("select from pg_catalog.pg_replication_slots where slot_name = $1 and active", [slot]), { timeout: 10_000 }).toEqual([]);
    await session.query("select pg_catalog.pg_drop_replication_slot($1)", [slot]);
  }
  const plain = text.replaceAll("''", "'");
  expect(received.slice(0, 4)).toEqual([`${name} (id, ${name})`, `1 ${plain}`, "2 plain", `3 ${plain}`]);
  expect(received.slice(4, -1)).toEqual(Array.from({ length: 6000 }, (_, at) => `${at + 10} ${text.slice(0, 2).repeat(1000)}${at + 10}`));
});
