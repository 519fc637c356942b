import { quoteIdentifier } from "../wire/quote.ts";
import type { Session } from "../wire/session.ts";
import { type Attempt, attemptAll, refusalNote } from "./attempt.ts";
import { type Membership, type RoleFacts, missingRoles } from "./read-roles.ts";

/**
 * Makes the memberships in which at least one side was created now; returns notes. Runs in the caller's transaction.
 *
 * Version 16 made each membership carry its own INHERIT and SET options and keep its grantor, so that one pair of roles can be
 * joined several times (https://www.postgresql.org/docs/16/release-16.html#RELEASE-16-PRIVILEGES):
 *  - from 16 to 16: all of it as it is;
 *  - from before 16 to 16: options come from the member's INHERIT attribute, as they did; the grantor is left out, as pg_dumpall
 *    does, because nothing checked it there;
 *  - from 16 to before: one grant per pair; options that the older server cannot say are noted.
 */
export async function grantMemberships(target: Session, roles: readonly RoleFacts[], created: ReadonlySet<string>, asSuperuser: boolean): Promise<string[]> {
  const { possible, changes } = await judgeMemberships(target, roles, created);
  const notes = [...changes];
  const bootstrap = roles.find((role) => role.isBootstrap)?.name;
  const attempts = target.versionNum >= 160000 ? possible.map((membership) => newStyle(membership, bootstrap)) : oldStyle(possible, bootstrap, asSuperuser, notes);
  const refused = await attemptAll(target, attempts);
  // A grantor without the right, or one that this account may not act for: the membership matters more than who gave it.
  const again = refused.filter((refusal) => refusal.attempt.withoutGrantor !== undefined).map(({ attempt }) => ({ sql: attempt.withoutGrantor ?? "", what: attempt.what }));
  const stillRefused = await attemptAll(target, again);
  for (const { what } of again) {
    if (stillRefused.every((refusal) => refusal.attempt.what !== what)) notes.push(`${what}: made, but under another grantor.`);
  }
  notes.push(...[...stillRefused, ...refused.filter((refusal) => refusal.attempt.withoutGrantor === undefined)].map(refusalNote));
  return notes;
}

/**
 * What becomes of the memberships in which at least one side is created: those that the target can have, and a sentence for each that it
 * cannot have, or that will give other rights there. Also before the roles are created.
 */
export async function judgeMemberships(target: Session, roles: readonly RoleFacts[], created: ReadonlySet<string>): Promise<{ possible: Membership[]; changes: string[] }> {
  const wanted = roles.flatMap((role) => role.memberships).filter((membership) => created.has(membership.role) || created.has(membership.member));
  const missing = new Set(
    await missingRoles(
      target,
      wanted.flatMap((membership) => [membership.role, membership.member]).filter((name) => !created.has(name)),
    ),
  );
  const changes = new Set<string>();
  const possible = wanted.filter((membership) => {
    const lacking = [membership.role, membership.member].find((name) => missing.has(name));
    if (lacking !== undefined) changes.add(`${describe(membership)} left out, the target has no role ${lacking}.`);
    return lacking === undefined;
  });
  if (target.versionNum < 160000) for (const change of lostOptions(possible, roles)) changes.add(change);
  return { possible, changes: [...changes] };
}

/** Before version 16 every member may SET ROLE, and inherits if its own attribute says so. Of several grants the widest counted; a superuser may do all anyway. */
function lostOptions(memberships: readonly Membership[], roles: readonly RoleFacts[]): string[] {
  // Roles that are not listed are the server's own: those inherit.
  const noInherit = new Set(roles.filter((role) => !role.inherit).map((role) => role.name));
  const superusers = new Set(roles.filter((role) => role.superuser).map((role) => role.name));
  return pairs(memberships.filter(({ member }) => !superusers.has(member))).flatMap((grants) => {
    const [first] = grants as [Membership];
    const lost: string[] = [];
    if (first.inherit !== undefined && grants.some(({ inherit }) => inherit) === noInherit.has(first.member))
      lost.push(`${describe(first)}: its INHERIT option is left out; before PostgreSQL 16 the member's own INHERIT attribute decides.`);
    if (grants.every(({ set }) => set === false)) lost.push(`${describe(first)}: its option SET FALSE is left out; before PostgreSQL 16 every member may SET ROLE.`);
    return lost;
  });
}

function pairs(memberships: readonly Membership[]): Membership[][] {
  return [...Map.groupBy(memberships, ({ role, member }) => JSON.stringify([role, member])).values()];
}

function describe({ role, member }: Membership): string {
  return `role ${member}: membership in ${role}`;
}

interface MembershipAttempt extends Attempt {
  /** The same without GRANTED BY, where the statement has it. */
  readonly withoutGrantor?: string;
}

function newStyle(membership: Membership, bootstrap: string | undefined): MembershipAttempt {
  const options: string[] = [];
  if (membership.admin) options.push("admin true");
  if (membership.inherit !== undefined) options.push(`inherit ${membership.inherit}`);
  if (membership.set !== undefined) options.push(`set ${membership.set}`);
  // The bootstrap superuser stands for every superuser; it is the default, whatever its name is over there.
  const grantor = membership.set === undefined || membership.grantor === bootstrap ? undefined : membership.grantor;
  return attempt(membership, options.length === 0 ? "" : ` with ${options.join(", ")}`, grantor);
}

function oldStyle(memberships: readonly Membership[], bootstrap: string | undefined, asSuperuser: boolean, notes: string[]): MembershipAttempt[] {
  return pairs(memberships).map((grants) => {
    const first = grants.find((grant) => grant.admin) ?? grants[0]!;
    if (grants.length > 1) notes.push(`${describe(first)}: ${grants.length} grants became one, older versions keep one per pair.`);
    // Before version 16 only a superuser may name a grantor.
    const grantor = !asSuperuser || first.grantor === bootstrap ? undefined : first.grantor;
    return attempt(first, first.admin ? " with admin option" : "", grantor);
  });
}

function attempt(membership: Membership, options: string, grantor: string | null | undefined): MembershipAttempt {
  const plain = `grant ${quoteIdentifier(membership.role)} to ${quoteIdentifier(membership.member)}${options}`;
  const what = describe(membership);
  if (grantor === null || grantor === undefined) return { sql: plain, what };
  return { sql: `${plain} granted by ${quoteIdentifier(grantor)}`, what: `${what} by ${grantor}`, withoutGrantor: plain };
}
