/** The last lines of what a program wrote: where it says why it failed. */
export function lastLines(text: string, count = 6): string[] {
  return text
    .split("\n")
    .filter((line) => line.trim() !== "")
    .slice(-count);
}

/** Connection URIs of throw-away servers, but nobody should get used to seeing passwords in a report. */
export function withoutPasswords(text: string): string {
  return text.replaceAll(/(:\/\/[^:@/\s]*):[^@\s]*@/g, "$1:…@");
}
