import type { Webhooks } from "./webhooks.ts";

/** What somebody is told. `text` is what chat services show of a JSON body. */
export interface Alert {
  readonly what: "test" | "failed" | "retrying" | "lag" | "retained" | "over";
  readonly text: string;
  readonly task: { readonly id: string; readonly name: string; readonly state: string } | null;
}

const PATIENCE_MS = 10_000;

/** POSTs an alert as JSON, and remembers what came of it. Follows no redirect: an address is what an admin has typed. */
export async function sendAlert(webhooks: Webhooks, id: string, alert: Alert, signal: AbortSignal): Promise<{ isDelivered: boolean; detail: string }> {
  const url = await webhooks.url(id);
  const outcome = await post(url, alert, signal);
  await webhooks.sent(id, outcome.detail);
  return outcome;
}

async function post(url: string, alert: Alert, signal: AbortSignal): Promise<{ isDelivered: boolean; detail: string }> {
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", "user-agent": "godwit" },
      body: JSON.stringify({ source: "godwit", at: new Date().toISOString(), ...alert }),
      redirect: "manual",
      signal: AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]),
    });
    await response.body?.cancel();
    return { isDelivered: response.ok, detail: `answered ${response.status}` };
  } catch (error) {
    signal.throwIfAborted();
    // The message may quote the address.
    const { name, cause } = error as Error & { cause?: { code?: string } };
    return { isDelivered: false, detail: name === "TimeoutError" ? `no answer within ${PATIENCE_MS / 1000} s` : `not reached (${cause?.code ?? name})` };
  }
}
