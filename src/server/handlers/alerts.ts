import { sendAlert } from "../alerts/send-alert.ts";
import type { Handlers } from "../handler.ts";

/** Who is told of trouble. */
export const ALERT_HANDLERS = {
  listWebhooks: async (_, { services }) => ({ webhooks: await services.webhooks.list() }),
  createWebhook: async ({ body }, { services, note }) => {
    note(body.name);
    return await services.webhooks.create(body);
  },
  changeWebhook: async ({ params, body }, { services }) => await services.webhooks.change(params.id, body),
  deleteWebhook: async ({ params }, { services }) => {
    await services.webhooks.delete(params.id);
    return {};
  },
  testWebhook: async ({ params }, { services, signal }) =>
    await sendAlert(services.webhooks, params.id, { what: "test", text: "This is a test: alerts of Godwit arrive here.", task: null }, signal),
} satisfies Partial<Handlers>;
