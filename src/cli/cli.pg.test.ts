import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { type TestDatabase, createDatabase } from "../../test/kit/databases.ts";
import { TEST_MAJORS } from "../../test/kit/majors.ts";
import { jsonLines, runCli, spawnCli } from "../../test/kit/spawn-cli.ts";

const OLDEST = TEST_MAJORS[0]!;
const NEWEST = TEST_MAJORS.at(-1)!;

const directory = mkdtempSync(join(tmpdir(), "godwit-cli-"));
afterAll(() => rmSync(directory, { recursive: true }));

/** A source with two tables, and an empty target. */
async function pair(): Promise<{ source: TestDatabase; target: TestDatabase }> {
  const source = await createDatabase(OLDEST);
  const target = await createDatabase(NEWEST);
  await source.query(
    "create table plants (id int primary key, name text); insert into plants select i, 'plant ' || i from generate_series(1, 1000) as i; create table pots (size int)",
  );
  return { source, target };
}

/** Each row takes a while to arrive: the domain's check sleeps, for Godwit only. */
const SLOW_TABLE = `
  create function slow(value int) returns boolean language plpgsql as $$
  begin
    if pg_catalog.current_setting('application_name') like 'godwit%' then perform pg_catalog.pg_sleep(0.1); end if;
    return true;
  end $$;
  create domain careful as int check (public.slow(value));
  create table slowly (id careful);
  insert into slowly select generate_series(1, 1000)`;

async function tablesOf(database: TestDatabase): Promise<number> {
  const [row] = await database.query<{ count: number }>("select count(*)::int as count from pg_catalog.pg_class where relnamespace = 'public'::regnamespace");
  return row!.count;
}

function withPart(uri: string, change: (uri: URL) => void): string {
  const url = new URL(uri);
  change(url);
  return url.toString();
}

describe("what cannot work is said with a code and an exit code, without a trace or a secret, and the target stays as it was", () => {
  it.each([
    ["a wrong password", (uri: string) => withPart(uri, (url) => (url.password = "sesame")), "password-wrong", 3],
    ["an unknown parameter", (uri: string) => `${uri}?sslmod=require`, "uri-invalid", 2],
  ])("%s", async (_, change, errorCode, exitCode) => {
    const { source, target } = await pair();
    for (const [from, to, side] of [
      [change(source.uri), target.uri, "source"],
      [source.uri, change(target.uri), "target"],
    ] as const) {
      const result = await runCli(["migrate", "--source", from, "--target", to]);
      expect(result.stderr).toContain(`✗ ${errorCode}: ${side}`);
      expect(result.code).toBe(exitCode);
      expect(`${result.stdout}${result.stderr}`).not.toMatch(/sesame|\n\s+at /);
      expect(`${result.stdout}${result.stderr}`).not.toContain(new URL(source.uri).password);
    }
    expect(await tablesOf(target)).toBe(0);
  });

  it("an include that matches nothing", async () => {
    const { source, target } = await pair();
    const result = await runCli(["migrate", "--source", source.uri, "--target", target.uri, "--include", "table=public.planets"]);
    expect(result.stderr).toContain("✗ object-unknown:");
    expect(result.stderr).toContain("public.planets");
    expect(result.code).toBe(2);
    expect(await tablesOf(target)).toBe(0);
  });

  it("a plan with an unknown key", async () => {
    const file = join(directory, "wrong.yaml");
    writeFileSync(file, "type: full\nverfy: true\n");
    const result = await runCli(["migrate", "--plan", file]);
    expect(result.stderr).toContain('line 2: unknown key "verfy". Did you mean "verify"?');
    expect(result.code).toBe(2);
  });

  it.each([
    [["migrate", "postgresql://a:sesame@h/x"], "usage: too many arguments"],
    [["migrate", "--include", "postgresql://a:sesame@h/x"], "usage: --include"],
    [["migrate", "--include", "a:sesame@h/x"], "usage: --include"],
    [["migrate", "--plan", "postgresql://a:sesame@h/x"], "plan-invalid: "],
    [["migrate", "--sorce=host=h password='ses ame x'"], "usage: unknown option"],
    [["check", "--source", "postgresql://h/x?user=a&password=ses&ame=3"], "percent-encoded"],
    [["check", "--source", "postgresql://h/x?user=a&password=ses&ame=%zz"], "percent-encoding"],
    [["check", "--source", "host=h password=ses ame=3"], "in quotes"],
  ])("a password in the wrong place is not shown: %j", async (args, says) => {
    for (const json of [[], ["--json"]]) {
      const result = await runCli([...args, ...json]);
      expect(result.code).toBe(2);
      expect(`${result.stdout}${result.stderr}`.replaceAll(/\s+/g, " ")).toContain(json.length > 0 ? '"event":"error"' : says);
      expect(`${result.stdout}${result.stderr}`).not.toMatch(/sesame|\bses\b|\bame\b/);
    }
  });

  it("nor in the path of a program", async () => {
    const { source, target } = await pair();
    for (const json of [[], ["--json"]]) {
      const result = await runCli(["migrate", "--source", source.uri, "--target", target.uri, "--pg-dump", "postgresql://a:sesame@h/x", ...json]);
      expect(`${result.stdout}${result.stderr}`).toContain("dump-failed");
      expect(`${result.stdout}${result.stderr}`).not.toContain("sesame");
    }
  });

  it("as JSON too: an error event and the summary", async () => {
    const { source, target } = await pair();
    const result = await runCli(["migrate", "--json", "--source", withPart(source.uri, (url) => (url.password = "sesame")), "--target", target.uri]);
    const lines = jsonLines(result.stdout);
    expect(lines.at(-2)).toMatchObject({ event: "error", code: "password-wrong" });
    expect(lines.at(-1)).toMatchObject({ event: "summary", state: "failed" });
    expect(result).toMatchObject({ code: 3, stderr: "" });
  });
});

describe("a migration on the command line", () => {
  it("moves, compares and sums up in JSON lines; verify finds what was changed later; check refuses the full target", async () => {
    const { source, target } = await pair();
    const plan = join(directory, "plan.yaml");
    writeFileSync(plan, "source: ${FROM}\ntarget: ${TO}\ntype: full\nacceptAlarms: true\n");
    const environment = { FROM: source.uri, TO: target.uri };
    const migrated = await runCli(["migrate", "--plan", plan, "--verify", "--json"], environment);
    const lines = jsonLines(migrated.stdout);
    expect(lines.at(-1)).toMatchObject({ event: "summary", state: "succeeded", tables: 2, rows: 1000, verifiedTables: 2 });
    expect(migrated).toMatchObject({ code: 0, stderr: "" });
    expect(lines.every((line) => typeof line["event"] === "string" && typeof line["time"] === "string")).toBe(true);

    const equal = await runCli(["verify", "--plan", plan], environment);
    expect(equal.stdout).toContain("1,000 rows: all equal on both sides");
    expect(equal.code).toBe(0);

    await target.query("update plants set name = 'weed' where id = 77");
    const differs = await runCli(["verify", "--plan", plan], environment);
    expect(differs.stdout).toMatch(/differs: \S+ public\.plants: .*77/);
    expect(differs.stdout).not.toContain("weed");
    expect(differs.stderr).toContain("✗ data-differ: 1 table of 2 differs between source and target");
    expect(differs.code).toBe(1);

    const refused = await runCli(["check", "--plan", plan], environment);
    expect(refused.code).toBe(1);
    expect(refused.stdout).toContain("✗ failed");
    expect(refused.stderr).toContain("✗ precheck-failed:");
  });

  it("goes on quietly when nobody reads its output any more", async () => {
    const { source, target } = await pair();
    const cli = spawnCli(["migrate", "--yes", "--source", source.uri, "--target", target.uri]);
    cli.process.stdout.destroy();
    expect(await cli.finished).toMatchObject({ code: 0, stderr: "" });
    expect(await tablesOf(target)).toBeGreaterThan(0);
  });

  it.each(["SIGINT", "SIGTERM"] as const)("stops cleanly at %s: exit code 130, and what to do next", async (signal) => {
    const { source, target } = await pair();
    await source.query(SLOW_TABLE);
    const cli = spawnCli(["migrate", "--yes", "--source", source.uri, "--target", target.uri]);
    await cli.saw("copy");
    await new Promise((resolve) => setTimeout(resolve, 500));
    cli.process.kill(signal);
    const result = await cli.finished;
    expect(result.code).toBe(130);
    expect(result.stdout).toContain("stopping cleanly");
    expect(result.stderr).toContain("✗ interrupted:");
    expect(result.stderr.replaceAll(/\n\s*/g, " ")).toMatch(/Run the same command again to go on with task (\w+), or give it up: `godwit task terminate \1`\./);
    expect(`${result.stdout}${result.stderr}`).not.toMatch(/\n\s+at /);
  });
});

it("ended at once by a second signal, it still says so, and sums up", async () => {
  const { source, target } = await pair();
  await source.query(SLOW_TABLE);
  const cli = spawnCli(["migrate", "--yes", "--json", "--source", source.uri, "--target", target.uri]);
  await cli.saw('"step":"copy"');
  cli.process.kill("SIGTERM");
  cli.process.kill("SIGINT");
  const result = await cli.finished;
  expect(result).toMatchObject({ code: 130, stderr: "" });
  const [error, summary] = jsonLines(result.stdout).slice(-2);
  expect(error).toMatchObject({
    event: "error",
    code: "interrupted",
    message: "the work was ended at once",
    advice: expect.stringContaining("run the same command again") as unknown,
  });
  expect(summary).toMatchObject({ event: "summary", state: "interrupted" });
  expect((summary as { steps: object }).steps).toHaveProperty("structure");
  // A backend in the middle of something notices within seconds that nobody is there any more.
  const left = async (): Promise<unknown[]> => await target.query("select pid from pg_stat_activity where datname = current_database() and application_name like 'godwit%'");
  await expect.poll(left, { timeout: 20_000, interval: 100 }).toEqual([]);
});

it("a password in an argument is not in the process list", async () => {
  // A server that takes connections and says nothing keeps the command line waiting.
  const silent = createServer();
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
  const uri = `postgresql://app:sesame@127.0.0.1:${(silent.address() as AddressInfo).port}/shop?connect_timeout=30`;
  const cli = spawnCli(["migrate", "--source", uri, "--target", uri]);
  try {
    await new Promise((resolve) => silent.once("connection", resolve));
    expect(readFileSync(`/proc/${cli.process.pid}/cmdline`, "utf8").replaceAll("\0", "")).toBe("godwit migrate");
  } finally {
    cli.process.kill("SIGKILL");
    await cli.finished;
    silent.close();
  }
});
