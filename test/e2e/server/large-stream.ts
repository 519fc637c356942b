import { startServer } from "../../../src/embedded/server.ts";
import { parseEndpoint } from "../../../src/wire/endpoint.ts";
import { openSession } from "../../../src/wire/session.ts";
import { reaches } from "../../kit/reaches.ts";
import { type Client, type TestServer, startServe } from "../../kit/serve.ts";
import { newStateDirectory } from "../../kit/state-directory.ts";

/** A task that follows the changes of many tables. */
export interface LargeStream extends AsyncDisposable {
  readonly server: TestServer;
  readonly admin: Client;
  readonly id: string;
}

/** Begins a migration of one table that follows changes, and notes changes of `tables` more at its target. */
export async function openLargeStream(tables: number): Promise<LargeStream> {
  await using stack = new AsyncDisposableStack();
  const [source, target] = await Promise.all([startServer({ major: 18 }), startServer({ major: 18 })]);
  stack.use(source);
  stack.use(target);
  await using atSource = await openSession(parseEndpoint("source", source.uri()));
  await atSource.query("create table public.a (id integer primary key)");
  const server = await startServe({ directory: newStateDirectory() });
  stack.defer(async () => await server.stop());
  const admin = await server.logIn();
  const { id } = await admin.call("createTask", {
    body: { source: source.uri(), target: target.uri(), name: "many changes", type: "full+incremental", acceptAlarms: true, start: true },
  });
  await reaches(admin, id, "readyToComplete");
  await using atTarget = await openSession(parseEndpoint("target", target.uri()));
  await atTarget.query(
    `insert into godwit.stream_table (slot, schema, name, insert_received, insert_applied)
       select slot, 'public', 'table_number_' || i, i, i from godwit.stream, generate_series(1, $1::integer) i`,
    [tables],
  );
  const kept = stack.move();
  return { server, admin, id, [Symbol.asyncDispose]: async () => await kept.disposeAsync() };
}
