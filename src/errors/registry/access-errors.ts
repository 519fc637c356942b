import type { ErrorSpec } from "./error-spec.ts";

/** Asking the server. */
export const ACCESS_ERRORS = {
  "request-invalid": {
    message: "A request to the server cannot be understood.",
    advice: "Correct the part of the request that is named; /docs describes every request.",
    retry: "never",
    exitCode: 2,
  },
  "route-unknown": {
    message: "The server knows no such address.",
    advice: "See /docs for the addresses that there are.",
    retry: "never",
    exitCode: 2,
    status: 404,
  },
  "login-required": {
    message: "Nobody is logged in, or the session or token is not valid any more.",
    advice: "Log in, or send a valid token: Authorization: Bearer ….",
    retry: "operator",
    exitCode: 2,
    status: 401,
  },
  "login-wrong": {
    message: "The name or the password is wrong.",
    advice: "Try again; an admin can set another password.",
    retry: "operator",
    exitCode: 2,
    status: 401,
  },
  "too-many-tries": {
    message: "Too many tries in a short time.",
    advice: "Wait for as long as the answer says.",
    retry: "automatic",
    exitCode: 3,
    status: 429,
  },
  "role-missing": {
    message: "The role of this account or token does not allow this.",
    advice: "Ask an admin for the role that is named.",
    retry: "operator",
    exitCode: 2,
    status: 403,
  },
  "csrf-refused": {
    message: "A request that changes something did not prove that it comes from the console.",
    advice: "Reload the page; programs use a token instead of a cookie.",
    retry: "operator",
    exitCode: 2,
    status: 403,
  },
  "setup-refused": {
    message: "The set-up link is not valid: it was used, or there is an account already.",
    advice: "Log in; where nobody can any more, `godwit serve --reset-access` prints a new link.",
    retry: "operator",
    exitCode: 2,
    status: 403,
  },
  "account-exists": {
    message: "There is an account of this name.",
    advice: "Choose another name.",
    retry: "never",
    exitCode: 2,
    status: 409,
  },
  "last-admin": {
    message: "Without this account nobody could manage accounts any more.",
    advice: "Make another account an admin first.",
    retry: "operator",
    exitCode: 2,
    status: 409,
  },
  "entry-unknown": {
    message: "There is no account, token, alert or comparison of this name.",
    advice: "Look at the list again: it may have been deleted.",
    retry: "never",
    exitCode: 2,
    status: 404,
  },
  "listen-failed": {
    message: "The server cannot listen at this address.",
    advice: "Choose another one with --listen host:port, or stop what uses it.",
    retry: "operator",
    exitCode: 3,
  },
} as const satisfies Record<string, ErrorSpec>;
