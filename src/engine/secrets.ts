import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { link, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { GodwitError } from "../errors/godwit-error.ts";

/** What the store must not hold in clear: passwords inside connection URIs. */
export interface Secrets {
  /** `about` names what the text belongs to (a task's id): a ciphertext moved elsewhere does not open there. */
  encrypt(text: string, about: string): string;
  /** Throws `secret-key-wrong` when it was written with another key, for something else, or was changed. */
  decrypt(sealed: string, about: string): string;
}

export interface SecretsOptions {
  /** GODWIT_KEY: base64 of 32 bytes. It goes before the file. */
  readonly key?: string | undefined;
  /** The state directory, whose file `secret.key` (mode 0600) is made at first use. */
  readonly dir?: string | undefined;
}

const VERSION = "v1";
const KEY_BYTES = 32;
/** The nonce and tag sizes of AES-GCM in NIST SP 800-38D. A random nonce per secret is safe for 2^32 secrets per key. */
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Throws `secret-key-wrong` when there is no usable key. */
export async function openSecrets(options: SecretsOptions): Promise<Secrets> {
  const key = await findKey(options);
  return {
    encrypt: (text, about) => {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv("aes-256-gcm", key, nonce, { authTagLength: TAG_BYTES }).setAAD(Buffer.from(about));
      const body = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
      return `${VERSION}:${Buffer.concat([nonce, cipher.getAuthTag(), body]).toString("base64")}`;
    },
    decrypt: (sealed, about) => {
      const bytes = Buffer.from(sealed.slice(VERSION.length + 1), "base64");
      try {
        if (!sealed.startsWith(`${VERSION}:`)) throw new Error("not a sealed secret of this version");
        const decipher = createDecipheriv("aes-256-gcm", key, bytes.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES });
        decipher.setAAD(Buffer.from(about)).setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
        return Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()]).toString("utf8");
      } catch (cause) {
        throw new GodwitError("secret-key-wrong", `the secret of ${about} cannot be opened with this key`, { object: about, cause });
      }
    },
  };
}

async function findKey(options: SecretsOptions): Promise<Buffer> {
  if (options.key !== undefined && options.key !== "") return parseKey(options.key, "GODWIT_KEY");
  if (options.dir === undefined) {
    throw new GodwitError("secret-key-wrong", "a store that several machines share needs GODWIT_KEY: without it each would write secrets the others cannot open", {
      advice: "Set GODWIT_KEY to the same value everywhere; `openssl rand -base64 32` makes one.",
    });
  }
  const path = join(options.dir, "secret.key");
  try {
    const written = await readFile(path, "utf8").catch(ignoreMissing);
    return parseKey(written ?? (await makeKeyFile(options.dir, path)), path);
  } catch (cause) {
    if (cause instanceof GodwitError) throw cause;
    throw new GodwitError("store-unusable", `the key file cannot be read or made: ${path}`, { object: path, cause });
  }
}

/** Two processes may come here at once: link() lets one win, and both read what is there. */
async function makeKeyFile(dir: string, path: string): Promise<string> {
  await mkdir(dir, { recursive: true });
  const draft = `${path}.${process.pid}-${randomBytes(4).toString("hex")}`;
  await writeFile(draft, `${randomBytes(KEY_BYTES).toString("base64")}\n`, { mode: 0o600, flag: "wx" });
  await link(draft, path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EEXIST") throw error;
  });
  await rm(draft);
  return await readFile(path, "utf8");
}

function parseKey(text: string, from: string): Buffer {
  const key = Buffer.from(text.trim(), "base64");
  if (key.length !== KEY_BYTES) throw new GodwitError("secret-key-wrong", `${from} is not the base64 of ${KEY_BYTES} bytes`, { object: from });
  return key;
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
}
