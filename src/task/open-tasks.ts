import { type Control, openControl } from "../engine/control.ts";
import { migrateStore } from "../engine/migrations.ts";
import { type Secrets, openSecrets } from "../engine/secrets.ts";
import { type Store, type StoreLocation, openStore } from "../engine/store.ts";
import { STORE_MIGRATIONS } from "./store-migrations.ts";
import { TaskStore } from "./task-store.ts";
import { StoreQueries } from "./store-queries.ts";

/** The tasks of a store, and what steers their runs; closed together. */
export interface OpenTasks extends AsyncDisposable {
  readonly store: Store;
  readonly tasks: TaskStore;
  /** For other parts of Godwit that keep something in the same store. */
  readonly queries: StoreQueries;
  readonly secrets: Secrets;
  readonly control: Control;
}

/** Where tasks are kept, and the key that their passwords are sealed with. */
export interface TaskLocation {
  readonly store: StoreLocation;
  /** base64 of 32 bytes; undefined: the file of the state directory. */
  readonly key?: string | undefined;
}

/**
 * Opens a store and brings it to this version's schema; an embedded one is made, started or joined. `log` hears what happens to the store itself.
 * Throws `store-foreign`, `store-unusable`, `store-refused`, `store-newer`, `secret-key-wrong`, or what connecting throws.
 */
export async function openTasks({ store: location, key }: TaskLocation, log: (sentence: string) => void = () => undefined): Promise<OpenTasks> {
  // Without a key nothing is to be done in a shared store; in a directory, the store is made first, which may not be ours.
  if (!("dir" in location)) await openSecrets({ key });
  await using stack = new AsyncDisposableStack();
  const store = stack.use(await openStore(location, log));
  await migrateStore(store, STORE_MIGRATIONS);
  const secrets = await openSecrets({ key, dir: "dir" in location ? location.dir : undefined });
  const control = stack.adopt(await openControl(store, log), async (control) => await control.close());
  const opened = stack.move();
  const queries = new StoreQueries(store);
  return { store, queries, secrets, tasks: new TaskStore(queries, secrets), control, [Symbol.asyncDispose]: async () => await opened.disposeAsync() };
}
