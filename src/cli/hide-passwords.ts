/**
 * Takes the command line out of the process list. On Linux and macOS, setting the title overwrites the memory that holds
 * argv (https://nodejs.org/api/process.html#processtitle), so /proc/PID/cmdline and ps show `godwit migrate` from here
 * on. The shell or npm that started us keeps showing its own copy: nothing can be done about that from here.
 */
export function hidePasswords(): void {
  const command = process.argv[2] ?? "";
  process.title = /^[a-z-]+$/.test(command) ? `godwit ${command}` : "godwit";
}
