import { readFile } from "node:fs/promises";

/**
 * What Linux tells about processes in /proc (https://man7.org/linux/man-pages/man5/proc.5.html). On other systems every
 * reading is undefined, and the report shows a dash.
 */

/** USER_HZ, the unit of the times in /proc/PID/stat: 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

interface CpuTimes {
  readonly own: number;
  /** Of children that ended and were waited for, and of theirs. */
  readonly endedChildren: number;
}

async function cpuTimes(pid: number | "self"): Promise<CpuTimes | undefined> {
  const line = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined);
  if (line === undefined) return undefined;
  // The second field is the program's name in parentheses and may hold anything; utime is field 14.
  const fields = line
    .slice(line.lastIndexOf(")") + 2)
    .split(" ")
    .map(Number);
  const [utime = 0, stime = 0, cutime = 0, cstime = 0] = fields.slice(11, 15);
  return { own: (utime + stime) / TICKS_PER_SECOND, endedChildren: (cutime + cstime) / TICKS_PER_SECOND };
}

/** CPU seconds of one process so far, without its children. */
export async function ownCpuSeconds(pid: number): Promise<number | undefined> {
  return (await cpuTimes(pid))?.own;
}

async function children(pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8").catch(() => "");
  return text.split(" ").filter(Boolean).map(Number);
}

/** CPU seconds of all children of this process that have ended so far: exact, unlike anything sampled. */
export async function endedChildrenCpuSeconds(): Promise<number | undefined> {
  return (await cpuTimes("self"))?.endedChildren;
}

/** CPU seconds of a server since it started: its postmaster, the backends that ended, and the processes that run now. */
export async function serverCpuSeconds(postmaster: number): Promise<number | undefined> {
  const times = await cpuTimes(postmaster);
  if (times === undefined) return undefined;
  const running = await Promise.all((await children(postmaster)).map(cpuTimes));
  return running.reduce((sum, child) => sum + (child?.own ?? 0), times.own + times.endedChildren);
}

/** The peak so far of one process's resident memory, without its children. */
export async function ownPeakBytes(pid: number): Promise<number | undefined> {
  return await kilobytesIn(`/proc/${pid}/status`, /^VmHWM:\s+(\d+) kB/m);
}

/**
 * Resident memory of a process and its descendants. Of a lone process it is the peak so far, as the kernel keeps it. Of
 * several it is what they hold now, shared pages divided among them (PSS): peaks of forks would count shared pages many times.
 */
export async function residentBytes(pid: number): Promise<number | undefined> {
  const family = await descendants(pid);
  if (family.length === 0) return await ownPeakBytes(pid);
  const shares = await Promise.all([pid, ...family].map(async (member) => await kilobytesIn(`/proc/${member}/smaps_rollup`, /^Pss:\s+(\d+) kB/m)));
  return shares.reduce<number>((sum, bytes) => sum + (bytes ?? 0), 0);
}

/** Process ids of its children, and theirs. */
export async function descendants(pid: number): Promise<number[]> {
  const found = await children(pid);
  return [...found, ...(await Promise.all(found.map(descendants))).flat()];
}

async function kilobytesIn(path: string, pattern: RegExp): Promise<number | undefined> {
  const kilobytes = pattern.exec(await readFile(path, "utf8").catch(() => ""))?.[1];
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
}

export interface MachineCpu {
  readonly busySeconds: number;
  readonly idleSeconds: number;
  readonly waitSeconds: number;
}

/** All CPUs of the machine since it started: what others used in a run shows how much its time can be trusted. */
export async function machineCpu(): Promise<MachineCpu | undefined> {
  const text = await readFile("/proc/stat", "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  const [user = 0, nice = 0, system = 0, idle = 0, wait = 0, irq = 0, softirq = 0, steal = 0] = (text.split("\n")[0] ?? "")
    .split(/\s+/)
    .slice(1)
    .map((ticks) => Number(ticks) / TICKS_PER_SECOND);
  return { busySeconds: user + nice + system + irq + softirq + steal, idleSeconds: idle, waitSeconds: wait };
}
