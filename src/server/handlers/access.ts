import packageJson from "../../../package.json" with { type: "json" };
import { GodwitError } from "../../errors/godwit-error.ts";
import type { Who } from "../access/who.ts";
import type { SessionAnswer } from "../contract/access.ts";
import type { Call, Handlers } from "../handler.ts";

/** Login, accounts, tokens, the audit log. */
export const ACCESS_HANDLERS = {
  getSession: async (_, { who, services }) => sessionAnswer(who, who === undefined && !(await services.accounts.areThere())),
  setUp: async ({ body }, call) => {
    call.note(body.name);
    await call.services.sessions.setUp(body.token, body.name, body.password);
    return await begin(body, call);
  },
  logIn: async ({ body }, call) => {
    call.note(body.name);
    return await begin(body, call);
  },
  logOut: async (_, { who, services, setCookie }) => {
    if (who?.session !== undefined) await services.sessions.end(who.session);
    setCookie(undefined);
    return {};
  },
  changePassword: async ({ body }, call) => {
    const { who, services } = call;
    if (who?.session === undefined) throw new GodwitError("login-required", "a token has no password", { advice: "Log in with a name and a password." });
    await services.accounts.logIn(who.name, body.current);
    await services.accounts.change(who.name, { password: body.password });
    await begin({ name: who.name, password: body.password }, call);
    return {};
  },
  listAccounts: async (_, { services }) => ({ accounts: await services.accounts.list() }),
  createAccount: async ({ body }, { services, note }) => {
    note(`${body.name}, ${body.role}`);
    return await services.accounts.create(body.name, body.password, body.role);
  },
  changeAccount: async ({ params, body }, { services, note }) => {
    note(Object.entries(body).map(([key, value]) => (key === "password" ? "password" : `${key} ${value}`)).join(", ")); // prettier-ignore
    return await services.accounts.change(params.name, body);
  },
  deleteAccount: async ({ params }, { services }) => {
    await services.accounts.delete(params.name);
    return {};
  },
  listTokens: async (_, { services }) => ({ tokens: await services.tokens.list() }),
  createToken: async ({ body }, { services, who, note }) => {
    note(`${body.name}, ${body.role}`);
    return await services.tokens.create(body.name, body.role, who!.name, body.expiresInDays);
  },
  deleteToken: async ({ params }, { services }) => {
    await services.tokens.delete(params.id);
    return {};
  },
  listAudit: async ({ query }, { services }) => ({ entries: await services.audit.list(query.before, query.limit) }),
} satisfies Partial<Handlers>;

async function begin({ name, password }: { readonly name: string; readonly password: string }, { services, setCookie }: Call): Promise<SessionAnswer> {
  const { cookie, who } = await services.sessions.begin(await services.accounts.logIn(name, password));
  setCookie(cookie);
  return sessionAnswer(who, false);
}

function sessionAnswer(who: Who | undefined, needsSetup: boolean): SessionAnswer {
  return {
    account: who === undefined ? null : { name: who.name, role: who.role },
    csrfToken: who?.csrfToken ?? null,
    needsSetup,
    version: packageJson.version,
  };
}
