import type { Language } from "./language.ts";

const BYTE_UNITS = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte", "petabyte"] as const;
const DURATION_UNITS = [["day", 86_400], ["hour", 3_600], ["minute", 60], ["second", 1]] as const; // prettier-ignore

/** Figures, sizes, durations and moments as a reader of this language writes them. */
export class Format {
  readonly #locale: string;

  constructor(language: Language) {
    this.#locale = language === "zh" ? "zh-CN" : (navigator.languages.find((name) => name.startsWith("en")) ?? "en");
  }

  count(number: number): string {
    return new Intl.NumberFormat(this.#locale).format(number);
  }

  /** 1.2M, for charts and cells without room. */
  short(number: number): string {
    return new Intl.NumberFormat(this.#locale, { notation: "compact", maximumFractionDigits: 1 }).format(number);
  }

  percent(hundredths: number): string {
    return new Intl.NumberFormat(this.#locale, { style: "percent", maximumFractionDigits: hundredths < 99.95 ? 1 : 0 }).format(hundredths / 100);
  }

  /** In steps of 1000. */
  bytes(bytes: number): string {
    let power = 0;
    while (power < BYTE_UNITS.length - 1 && Math.abs(bytes) >= 1000 ** (power + 1)) power++;
    const figure = bytes / 1000 ** power;
    const digits = power === 0 || figure >= 100 ? 0 : figure >= 10 ? 1 : 2;
    return new Intl.NumberFormat(this.#locale, {
      style: "unit",
      unit: BYTE_UNITS[power] ?? "byte",
      unitDisplay: power === 0 ? "long" : "short",
      maximumFractionDigits: digits,
    }).format(figure);
  }

  bytesPerSecond(bytes: number): string {
    return `${this.bytes(bytes)}/s`;
  }

  /** The two largest units: "2h 5m". */
  duration(seconds: number): string {
    if (seconds < 10) return this.#unit(seconds, "second", seconds < 1 && seconds > 0 ? 2 : 1);
    const parts: string[] = [];
    let rest = Math.round(seconds);
    for (const [unit, size] of DURATION_UNITS) {
      const whole = Math.floor(rest / size);
      if (whole > 0 && parts.length < 2) parts.push(this.#unit(whole, unit, 0));
      else if (parts.length > 0) break;
      rest -= whole * size;
    }
    return parts.join(" ");
  }

  moment(iso: string): string {
    return new Intl.DateTimeFormat(this.#locale, { dateStyle: "medium", timeStyle: "short" }).format(new Date(iso));
  }

  /** With seconds and the zone, for tooltips. */
  exactMoment(iso: string): string {
    return new Intl.DateTimeFormat(this.#locale, { dateStyle: "full", timeStyle: "long" }).format(new Date(iso));
  }

  clock(iso: string): string {
    return new Intl.DateTimeFormat(this.#locale, { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false }).format(new Date(iso));
  }

  #unit(number: number, unit: string, digits: number): string {
    return new Intl.NumberFormat(this.#locale, { style: "unit", unit, unitDisplay: "narrow", maximumFractionDigits: digits }).format(number);
  }
}
