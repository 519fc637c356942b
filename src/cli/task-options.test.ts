import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { afterAll, describe, expect, it } from "vitest";
import type { MigrationOptions } from "../plan/migration-options.ts";
import { type Environment, addMigrationOptions, addTaskOptions, taskOptions } from "./task-options.ts";

const directory = mkdtempSync(join(tmpdir(), "godwit-options-"));
afterAll(() => rmSync(directory, { recursive: true }));

async function parse(line: string, environment: Environment = {}): Promise<MigrationOptions> {
  const command = addMigrationOptions(addTaskOptions(new Command("migrate")))
    .exitOverride()
    .configureOutput({ outputError: () => undefined });
  command.parse(
    line.split(" ").filter((word) => word !== ""),
    { from: "user" },
  );
  return await taskOptions(command, environment);
}

function plan(text: string): string {
  const file = join(directory, "plan.yaml");
  writeFileSync(file, text);
  return file;
}

const BOTH = "--source postgresql://app:pw@one/shop --target postgresql://app@two:5433/shop";

describe("options of a task", () => {
  it("have the defaults that the help tells", async () => {
    expect(await parse(BOTH)).toMatchObject({
      source: { side: "source", host: "one", port: 5432, user: "app", password: "pw", database: "shop" },
      target: { side: "target", host: "two", port: 5433, password: undefined },
      type: "full",
      instance: false,
      include: [],
      exclude: [],
      concurrency: undefined,
      noOwner: false,
      noPrivileges: false,
      publications: false,
      tablespaceMap: {},
      acceptAlarms: false,
      verify: false,
      statistics: true,
      incremental: undefined,
      pgDump: undefined,
    });
  });

  it("come from the command line", async () => {
    const line = `${BOTH} --type structure --instance --include table=public.a,public."b,=c" --include schema=s,role=r* --exclude view=v --concurrency 8 --yes --verify
      --no-statistics --no-owner --no-privileges --publications --tablespace-map fast=nvme --tablespace-map big=hdd --pg-dump /bin/pg_dump`;
    expect(await parse(line.replaceAll(/\s+/g, " "))).toMatchObject({
      type: "structure",
      instance: true,
      concurrency: 8,
      acceptAlarms: true,
      verify: true,
      statistics: false,
      noOwner: true,
      noPrivileges: true,
      publications: true,
      include: [
        { kind: "table", pattern: "public.a" },
        { kind: "table", pattern: 'public."b,=c"' },
        { kind: "schema", pattern: "s" },
        { kind: "role", pattern: "r*" },
      ],
      exclude: [{ kind: "view", pattern: "v" }],
      tablespaceMap: { fast: "nvme", big: "hdd" },
      pgDump: "/bin/pg_dump",
    });
  });

  it("say how changes are followed", async () => {
    expect(await parse(`${BOTH} --type full+incremental`)).toMatchObject({ incremental: { conflicts: "stop", untilCaughtUp: false, fence: false } });
    expect(await parse(`${BOTH} --type full+incremental --until caught-up --fence --conflicts overwrite`)).toMatchObject({
      incremental: { conflicts: "overwrite", untilCaughtUp: true, fence: true },
    });
  });

  it("come from the environment where nothing else says them; PG* variables that name a server do not count", async () => {
    const environment = {
      GODWIT_SOURCE: "host=one user=app dbname=shop",
      GODWIT_TARGET: "postgresql://app@two/shop",
      GODWIT_TARGET_PASSWORD: "sesame",
      PGHOST: "elsewhere",
      PGPORT: "1",
      PGPASSWORD: "wrong",
      PGSSLMODE: "require",
      PGCONNECT_TIMEOUT: "30",
    };
    const options = await parse("", environment);
    expect(options.source).toMatchObject({ host: "one", port: 5432, password: undefined, tls: { mode: "require" }, connectTimeoutMs: 30_000 });
    expect(options.target).toMatchObject({ host: "two", password: "sesame" });
    expect((await parse("--target postgresql://app@three/shop", environment)).target.host).toBe("three");
  });

  it("come from a plan; the command line wins over it, and over both comes no default", async () => {
    const file = plan(`
source: { host: one, user: app, password: "it's a \\\\ secret", dbname: shop }
target: postgresql://app@two/shop
type: structure
include: { table: [public.a, public.b], schema: s }
owner: false
statistics: false
verify: true
concurrency: 3
`);
    expect(await parse(`--plan ${file}`)).toMatchObject({
      source: { password: "it's a \\ secret" },
      type: "structure",
      noOwner: true,
      statistics: false,
      verify: true,
      concurrency: 3,
      include: [
        { kind: "table", pattern: "public.a" },
        { kind: "table", pattern: "public.b" },
        { kind: "schema", pattern: "s" },
      ],
    });
    expect(await parse(`--plan ${file} --type full --no-verify --concurrency 5 --include table=x`, { GODWIT_TARGET: "postgresql://app@three/shop" })).toMatchObject({
      target: { host: "two" },
      type: "full",
      verify: false,
      concurrency: 5,
      noOwner: true,
      include: [{ kind: "table", pattern: "x" }],
    });
  });

  it.each([
    ["", "usage", /no source: give --source URI, GODWIT_SOURCE, or source: in a plan file/],
    ["--source postgresql://a@b/c", "usage", /no target/],
    [`${BOTH} --include tabel=x`, "usage", /--include: "tabel" is not a kind of object\. Did you mean "table"\?/],
    [`${BOTH} --include public.x`, "usage", /expected kind=pattern/],
    [`${BOTH} --exclude table=`, "usage", /a pattern is empty/],
    [`${BOTH} --fence`, "usage", /--fence belongs to --type full\+incremental/],
    [`${BOTH} --type full --until caught-up`, "usage", /--until belongs to --type full\+incremental/],
    [`${BOTH} --type full+incremental --conflicts ignore`, "commander.invalidArgument", /Allowed choices are stop, skip, overwrite/],
    [`${BOTH} --type all`, "commander.invalidArgument", /Allowed choices are structure, full/],
    [`${BOTH} --concurrency many`, "commander.invalidArgument", /from 1 to 128/],
    [`${BOTH} --tablespace-map fast`, "commander.invalidArgument", /source=target/],
    [`${BOTH} --sorce x`, "commander.unknownOption", /Did you mean --source\?/],
    ["--source mysql://a@b/c --target postgresql://a@b/c", "uri-invalid", /source: /],
    ["--plan /nowhere.yaml", "plan-invalid", /nowhere\.yaml/],
  ])("are refused: %s", async (line, code, message) => {
    await expect(parse(line)).rejects.toMatchObject({ code, message: expect.stringMatching(message) as unknown });
  });
});
