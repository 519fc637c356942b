import { createHash, randomBytes } from "node:crypto";

/** A new secret of 256 bits, for cookies, tokens and links. */
export function makeSecret(prefix = ""): string {
  return prefix + randomBytes(32).toString("base64url");
}

/** As a secret of 256 random bits is kept: nobody can guess it from this, so no slow hash is needed. */
export function keptAs(secret: string): Buffer {
  return createHash("sha256").update(secret).digest();
}
