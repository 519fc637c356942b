import { z } from "zod";
import { ERRORS, type ErrorCode } from "../../errors/registry.ts";

const codes = Object.keys(ERRORS) as [ErrorCode, ...ErrorCode[]];

/** An error as every answer tells it; codes are those of docs/reference/errors.md. */
export const describedError = z
  .object({ code: z.enum(codes), message: z.string(), object: z.string().optional(), advice: z.string() })
  .meta({ id: "Error", description: "What went wrong: a code, one sentence, the object concerned, and the way on." });

/** The body of every answer that is not a success. */
export const errorAnswer = z.object({ error: describedError }).meta({ id: "ErrorAnswer" });

export type ApiError = z.infer<typeof describedError>;
