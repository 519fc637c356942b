import { existsSync } from "node:fs";
import { join } from "node:path";
import cookie from "@fastify/cookie";
import helmet from "@fastify/helmet";
import rateLimit from "@fastify/rate-limit";
import statics from "@fastify/static";
import swagger from "@fastify/swagger";
import swaggerUi from "@fastify/swagger-ui";
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import { jsonSchemaTransform, jsonSchemaTransformObject, serializerCompiler, validatorCompiler } from "fastify-type-provider-zod";
import packageJson from "../../package.json" with { type: "json" };
import { GodwitError } from "../errors/godwit-error.ts";
import type { StoreQueries } from "../task/store-queries.ts";
import { type RouteSite, addRoute, noteError } from "./add-route.ts";
import { COOKIE, CSRF_HEADER, authorize, identify } from "./access/authorize.ts";
import type { Route } from "./contract/route.ts";
import { ROUTES, type RouteId } from "./contract/routes.ts";
import { answerBrokenRequest, errorAnswer } from "./error-answer.ts";
import { ListFeed } from "./feeds/list-feed.ts";
import { TaskFeeds } from "./feeds/task-feed.ts";
import { HANDLERS } from "./handlers.ts";
import { Metrics } from "./metrics.ts";
import type { Services } from "./services.ts";

export interface AppOptions {
  readonly services: Services;
  readonly queries: StoreQueries;
  /** Aborts when the server stops: connections with events end. */
  readonly stopping: AbortSignal;
  readonly tls?: { readonly cert: string; readonly key: string } | undefined;
  /** Behind a proxy that says who asks, and how (X-Forwarded-For, -Proto). */
  readonly trustsProxy?: boolean;
  readonly loginsPerMinute?: number;
  /** The built console. */
  readonly consoleDirectory?: string | undefined;
  /** What nobody has foreseen, for the operator's log. */
  readonly log: (sentence: string) => void;
}

/** Bodies are small: a task's request with certificates. */
const MOST_BODY_BYTES = 1024 * 1024;

/** The server, not listening yet: the routes of the table, their documentation, health, metrics, and the console. */
export async function buildApp(options: AppOptions): Promise<FastifyInstance> {
  const { services, queries, stopping, tls, log } = options;
  const app: FastifyInstance = fastify({
    bodyLimit: MOST_BODY_BYTES,
    // The one in front of us: what was in X-Forwarded-For before it, whoever asks has written. (Told as a number of hops, Fastify trusts nobody.)
    trustProxy: options.trustsProxy === true ? (_address: string, hop: number) => hop === 0 : false,
    // Names of accounts are longer than Fastify's 100 bytes; what is too long is unknown like any other.
    routerOptions: { maxParamLength: 20_000 },
    frameworkErrors: (error: unknown, _: FastifyRequest, reply: FastifyReply) => {
      const { status, body } = errorAnswer(error);
      void reply.code(status).send(body);
    },
    clientErrorHandler: answerBrokenRequest,
    forceCloseConnections: true,
    ...(tls === undefined ? {} : { https: { cert: tls.cert, key: tls.key } }),
  } as object);
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.setErrorHandler(async (error, request, reply) => {
    const { status, body, headers } = errorAnswer(error);
    noteError(request, body.error.code);
    if (status >= 500 && body.error.code !== "interrupted") log(`${request.method} ${request.routeOptions.url ?? "?"}: ${body.error.code}: ${body.error.message}`);
    return await reply.code(status).headers(headers).send(body);
  });
  // Some clients name a type where they send nothing.
  app.addContentTypeParser("*", { parseAs: "buffer" }, (_, body, done) => {
    if (body.length === 0) done(null, undefined);
    else done(new GodwitError("request-invalid", "the body must be JSON, with content-type: application/json", { object: "content-type" }));
  });
  await app.register(cookie);
  await app.register(helmet, {
    // The console loads nothing from elsewhere; Mantine and uPlot set styles.
    contentSecurityPolicy: { useDefaults: false, directives: { defaultSrc: ["'self'"], styleSrc: ["'self'", "'unsafe-inline'"], imgSrc: ["'self'", "data:"], frameAncestors: ["'none'"], objectSrc: ["'none'"], baseUri: ["'self'"], formAction: ["'self'"] } },
    strictTransportSecurity: tls !== undefined,
  }); // prettier-ignore
  await app.register(rateLimit, {
    global: false,
    errorResponseBuilder: (_, { ttl }) => Object.assign(new GodwitError("too-many-tries", `too many tries: wait for ${Math.ceil(ttl / 1000)} s`), { retryAfterSeconds: Math.ceil(ttl / 1000) }),
  }); // prettier-ignore
  await app.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: { title: "Godwit", version: packageJson.version, description: "Moves PostgreSQL databases to other PostgreSQL servers." },
      components: {
        securitySchemes: {
          token: { type: "http", scheme: "bearer" },
          session: { type: "apiKey", in: "cookie", name: COOKIE },
          csrf: { type: "apiKey", in: "header", name: CSRF_HEADER },
        },
      },
    },
    transform: jsonSchemaTransform,
    transformObject: jsonSchemaTransformObject,
  });
  await app.register(swaggerUi, { routePrefix: "/docs" });
  const site: RouteSite = {
    services,
    feeds: { list: new ListFeed(queries, services.store.news), tasks: new TaskFeeds(services) },
    stopping,
    loginsPerMinute: options.loginsPerMinute ?? 10,
    log,
  };
  for (const [id, route] of Object.entries<Route>(ROUTES)) addRoute(app, id, route, HANDLERS[id as RouteId] as never, site);
  addPlainRoutes(app, services);
  await addConsole(app, options.consoleDirectory);
  return app;
}

/** What programs ask that know nothing of Godwit. */
function addPlainRoutes(app: FastifyInstance, services: Services): void {
  const metrics = new Metrics(services);
  const hidden = { hide: true };
  app.get("/healthz", { schema: hidden }, async () => ({ status: "ok" }));
  // Ready: the store answers.
  app.get("/readyz", { schema: hidden }, async (_, reply) => {
    try {
      await services.store.pool.query("select 1");
      return { status: "ok" };
    } catch {
      return await reply.code(503).send({ status: "the store does not answer" });
    }
  });
  app.get("/openapi.json", { schema: hidden }, async () => app.swagger());
  app.get("/metrics", { schema: hidden }, async (request, reply) => {
    authorize(request, await identify(request, services), { role: "viewer", method: "GET" });
    return await reply.type(metrics.contentType).send(await metrics.text());
  });
}

/** Pages of the console: every address that is none of the server's own. */
async function addConsole(app: FastifyInstance, directory: string | undefined): Promise<void> {
  const hasConsole = directory !== undefined && existsSync(join(directory, "index.html"));
  // Names of assets change with their content; that of the page does not.
  if (hasConsole) {
    const setHeaders = (reply: FastifyReply, path: string): void => {
      void reply.header("cache-control", path.endsWith("index.html") ? "no-cache" : "public, max-age=31536000, immutable");
    };
    await app.register(statics, { root: directory, index: ["index.html"], cacheControl: false, setHeaders });
  }
  app.setNotFoundHandler(async (request, reply) => {
    const isPage = request.method === "GET" && !/^\/(api|docs|openapi|metrics)\b/.test(request.url) && (request.headers.accept ?? "").includes("text/html");
    if (isPage && hasConsole) return await reply.sendFile("index.html");
    if (isPage) return await reply.code(404).type("text/plain").send("The console is not built: run `npm run build`. The API is described at /docs.\n");
    const { status, body } = errorAnswer(new GodwitError("route-unknown", `there is no ${request.method} ${request.url.split("?")[0]}`));
    return await reply.code(status).send(body);
  });
}
