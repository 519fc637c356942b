import { sessionName } from "../../copy/ledger.ts";
import type { Ledger } from "../../copy/ledger.ts";
import { GodwitError } from "../../errors/godwit-error.ts";
import { type FileNumbers, TRUNCATE_DECODED_SINCE, findOtherFiles, readFileNumbers } from "../../source/file-numbers.ts";
import { type Endpoint, describeEndpoint } from "../../wire/endpoint.ts";
import { type Session, openSession } from "../../wire/session.ts";
import type { RunContext } from "../run-context.ts";
import { guardIdentities } from "./guard-identities.ts";
import type { StreamPlan } from "./stream-plan.ts";
import { tellFirst } from "./tell-first.ts";

const FILES = "table files";

/** For a source before 11, when the slot is made: see `guardSource`. */
export async function rememberFiles(source: Session, ledger: Ledger, target: Session, oids: readonly string[]): Promise<void> {
  if (source.versionNum >= TRUNCATE_DECODED_SINCE) return;
  await ledger.forget(target, FILES);
  await ledger.note(target, FILES, await readFileNumbers(source, oids));
}

/**
 * What has to be looked after at the source while its changes are followed, every few seconds, and once more behind the stop position:
 * replica identities; and a TRUNCATE that no stream tells of (before 11) must not go unnoticed. Throws `schema-changed` for that, once: who retries the task has seen to it.
 */
export async function guardSource(source: Session, { identityOids }: StreamPlan, ledger: Ledger, endpoint: Endpoint, context: RunContext): Promise<void> {
  const { task, signal } = context;
  await guardIdentities(source, identityOids, ledger, endpoint, context);
  const files = ledger.value(FILES) as FileNumbers | undefined;
  if (files === undefined) return;
  const now = await readFileNumbers(source, Object.keys(files)); // before: what comes in between is told the next time
  const others = await findOtherFiles(source, files);
  if (others.length === 0) return;
  const message = `${describeEndpoint(source.endpoint)}: truncated or rewritten, which PostgreSQL ${source.major} does not decode: ${others.join(", ")}`;
  await using target = await openSession(endpoint, { signal, applicationName: `${sessionName(task.id)}/guard` });
  await tellFirst(ledger, target, FILES, now, message, context);
  throw new GodwitError("schema-changed", message, {
    object: others[0]!,
    advice:
      "Compare these tables (`godwit verify`). After VACUUM FULL, CLUSTER or a rewriting ALTER TABLE nothing is wrong; after TRUNCATE, delete from the target's table what the source has no more. Then `godwit task retry` goes on.",
  });
}
