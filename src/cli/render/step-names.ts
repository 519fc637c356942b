import type { Step } from "../../task/events.ts";

/** What each step is called on a terminal: words for somebody who has never seen Godwit. */
export const STEP_NAMES: Readonly<Record<Step, string>> = {
  connect: "Connect",
  plan: "Read and plan",
  precheck: "Check",
  roles: "Roles",
  structure: "Structure",
  copy: "Data",
  index: "Indexes and keys",
  finish: "Finish",
  analyze: "Statistics",
  catchUp: "Catch up",
  sync: "Follow changes",
  complete: "Complete",
  verify: "Compare both sides",
};
