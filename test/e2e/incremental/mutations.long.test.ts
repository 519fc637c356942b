import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { MUTATIONS } from "../../../src/errors/mutation.ts";
import { godwit } from "./godwit-migrator.ts";
import { MUTATION_CASES, type MutationCase } from "./mutations.ts";
import { type ScenarioResult, describeResult, runScenario } from "./run-scenario.ts";
import { type ServerPair, startPair } from "./site.ts";

/** A defect shows where chance leads to it: so many seeds are tried before it counts as unnoticed. */
const TRIES = 6;

it("has a scenario for every mutation", () => {
  expect(MUTATION_CASES.map(({ name }) => name)).toEqual([...MUTATIONS]);
});

describe("what has lost data elsewhere is noticed here", () => {
  let servers: ServerPair;
  const healthyRuns = new Map<MutationCase["scenario"], ScenarioResult>();
  beforeAll(async () => void (servers = await startPair(14, 18)));
  afterAll(async () => await servers[Symbol.asyncDispose]());

  const run = async ({ name, scenario }: MutationCase, seed: string, isMutated: boolean): Promise<ScenarioResult> => {
    const result = await runScenario({ ...scenario, seed, servers, migrator: godwit, ...(isMutated ? { environment: { GODWIT_MUTATION: name } } : {}) });
    console.log(`${isMutated ? name : `without ${name}`}: ${describeResult(result)}`);
    return result;
  };

  it.each(MUTATION_CASES)("$name", async (mutated) => {
    // Scenarios in which nothing special happens are all one.
    const healthy = healthyRuns.get(mutated.scenario) ?? (await run(mutated, `healthy ${mutated.name}`, false));
    healthyRuns.set(mutated.scenario, healthy);
    expect(isHealthy(mutated, healthy), `without the defect: ${healthy.failure?.message} ${healthy.differences.join("\n")}`).toBe(true);
    for (let attempt = 1; attempt <= TRIES; attempt++) {
      const result = await run(mutated, `${mutated.name} ${attempt}`, true);
      const signs = signsOf(mutated, result);
      if (signs.length === 0) continue;
      console.log(`${mutated.name} is noticed: ${signs.slice(0, 3).join("; ")}`);
      return;
    }
    expect.fail(`nobody noticed: ${mutated.where}`);
  });
});

function isHealthy({ healthy }: MutationCase, { failure, differences, workload }: ScenarioResult): boolean {
  if (healthy !== "equal") return failure !== undefined && healthy.test(failure.code);
  return failure === undefined && differences.length === 0 && workload.unexpected.length === 0;
}

/** By what the suite notices the defect: differences, or an error that shows its harm. That a migration took too long, or failed for another reason, is none. */
function signsOf({ healthy }: MutationCase, { failure, differences, workload }: ScenarioResult): string[] {
  if (failure === undefined) return [...differences, ...workload.unexpected, ...(healthy === "equal" ? [] : ["it does not fail"])];
  const isWanted = healthy !== "equal" && healthy.test(failure.code);
  return OWN_SIGNS.has(failure.code) && !isWanted ? [failure.message] : [];
}

/** What the product itself notices. */
const OWN_SIGNS: ReadonlySet<string> = new Set(["row-missing", "row-exists", "slot-lost", "fenced", "internal", "protocol", "new-primary-overwritten"]);
