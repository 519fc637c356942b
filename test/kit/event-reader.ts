/** One event as a browser would see it. */
export interface SeenEvent {
  readonly event: string;
  readonly id: string | undefined;
  readonly data: unknown;
}

/** Reads server-sent events until disposed; `seen` grows. */
export class EventReader implements AsyncDisposable {
  readonly seen: SeenEvent[] = [];
  readonly #stop = new AbortController();
  readonly #reading: Promise<void>;
  /** The server has ended it. */
  isEnded = false;

  constructor(url: string, headers: Readonly<Record<string, string>>) {
    this.#reading = this.#read(url, headers).catch(() => undefined).finally(() => (this.isEnded = true)); // prettier-ignore
  }

  of(event: string): SeenEvent[] {
    return this.seen.filter((one) => one.event === event);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#reading;
  }

  async #read(url: string, headers: Readonly<Record<string, string>>): Promise<void> {
    const response = await fetch(url, { headers, signal: this.#stop.signal });
    if (response.body === null || response.status !== 200) throw new Error(`status ${response.status}`);
    let text = "";
    for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      const blocks = text.split("\n\n");
      text = blocks.pop() ?? "";
      for (const block of blocks) {
        const field = (name: string): string | undefined =>
          block
            .split("\n")
            .find((line) => line.startsWith(`${name}: `))
            ?.slice(name.length + 2);
        const event = field("event");
        if (event !== undefined) this.seen.push({ event, id: field("id"), data: JSON.parse(field("data") ?? "null") as unknown });
      }
    }
  }
}
