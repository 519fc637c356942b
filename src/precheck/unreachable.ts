import { describeEndpoint, type Side } from "../wire/endpoint.ts";
import { quoteIdentifier } from "../wire/quote.ts";
import { type Check, type CheckItem, found, listed } from "./check.ts";
import type { CheckContext } from "./context.ts";

/** None, or one item: databases of one side that could not be looked at, as the account may not connect to them. https://www.postgresql.org/docs/current/ddl-priv.html */
export function unreachableItems(check: Check, side: Side, context: CheckContext): CheckItem[] {
  const names = context.unreachable[side];
  if (names.length === 0) return [];
  const { endpoint } = context[side];
  const account = quoteIdentifier(endpoint.user);
  return [
    found(check, describeEndpoint(endpoint), "failed", {
      evidence: listed(names.map((name) => `no CONNECT on database ${name}`)),
      why: `The account ${account} may not connect to these databases, so they were not looked at.`,
      fix: "Let an owner or superuser grant the right, use another account, or leave the databases out with --exclude database=….",
      fixSql: names.map((name) => `grant connect on database ${quoteIdentifier(name)} to ${account};`).join("\n"),
      fixOn: endpoint,
    }),
  ];
}
