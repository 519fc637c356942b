import { GodwitError } from "../errors/godwit-error.ts";
import { NULL_COLUMN, TEXT_COLUMN, type Tuple, UNCHANGED_COLUMN } from "./tuple.ts";

const BLANK = 0x20;
const QUOTE = 0x27; // '
const DOUBLE_QUOTE = 0x22;
const DOT = 0x2e;
const OPENING = 0x5b; // [
const CLOSING = 0x5d; // ]

/** Reads one text of test_decoding from front to back, as bytes; throws `protocol` with the offset where it is not what it should be. */
export class TextReader {
  readonly bytes: Buffer;
  at = 0;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.at >= this.bytes.length;
  }

  /** Whether these words (ASCII) come next. */
  sees(words: string): boolean {
    const { bytes, at } = this;
    if (at + words.length > bytes.length) return false;
    for (let index = 0; index < words.length; index++) if (bytes[at + index] !== words.charCodeAt(index)) return false;
    return true;
  }

  /** Passes over these words if they come next. */
  skips(words: string): boolean {
    if (!this.sees(words)) return false;
    this.at += words.length;
    return true;
  }

  expect(words: string): void {
    if (!this.skips(words)) throw this.invalid(`${JSON.stringify(words)} was expected`);
  }

  expectEnd(): void {
    if (!this.isAtEnd) throw this.invalid("nothing more was expected");
  }

  /** " 1234". */
  xid(): number {
    const match = /^ (\d{1,10})(?= |$)/.exec(this.bytes.toString("latin1", this.at, this.at + 12));
    if (match === null) throw this.invalid("a transaction id was expected");
    this.at += match[0].length;
    return Number(match[1]);
  }

  /**
   * " (at 2026-01-31 12:34:56.789012+00)" to the end, as µs since 2000-01-01: always in this form, whatever DateStyle is, and in the session's time zone
   * (timestamptz_to_str).
   */
  commitTime(): bigint {
    const text = this.bytes.toString("latin1", this.at, this.at + 80);
    const match = /^ \(at (\d{4,6})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?([+-])(\d\d)(?::(\d\d))?(?::(\d\d))?\)$/.exec(text);
    if (match === null) throw this.invalid("a commit time was expected");
    const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1, 7).map(Number);
    const [zoneHour = 0, zoneMinute = 0, zoneSecond = 0] = match.slice(9, 12).map((part) => Number(part ?? 0));
    const seconds = (Date.UTC(year, month - 1, day, hour, minute, second) - EPOCH_MS) / 1000;
    const zone = (match[8] === "-" ? -1 : 1) * (3600 * zoneHour + 60 * zoneMinute + zoneSecond);
    if (!Number.isSafeInteger(seconds)) throw this.invalid("a commit time was expected");
    this.at = this.bytes.length;
    return BigInt(seconds - zone) * 1_000_000n + BigInt((match[7] ?? "").padEnd(6, "0"));
  }

  /** Passes over `schema.name`; returns it as it stands there, for telling tables apart. */
  tableKey(): string {
    const start = this.at;
    this.#passIdentifier();
    if (this.bytes[this.at] !== DOT) throw this.invalid("a table's schema and name were expected");
    this.at++;
    this.#passIdentifier();
    return this.bytes.toString("latin1", start, this.at);
  }

  /** Reads `schema.name` again, which was just passed over. */
  tableName(key: string): [schema: string, name: string] {
    const end = this.at;
    this.at = end - key.length;
    const schema = this.#identifier();
    this.at++;
    const name = this.#identifier();
    this.at = end;
    return [schema, name];
  }

  /** Reads ` name[type]:`. The type may hold brackets and quoted names. */
  heading(): ParsedColumn {
    const start = this.at;
    this.expect(" ");
    const name = this.#identifier();
    this.expect("[");
    const typeStart = this.at;
    for (let depth = 1; depth > 0;) {
      const byte = this.bytes[this.at];
      if (byte === undefined) throw this.invalid("a column's type was expected");
      if (byte === DOUBLE_QUOTE) this.#passIdentifier();
      else {
        if (byte === OPENING) depth++;
        else if (byte === CLOSING) depth--;
        this.at++;
      }
    }
    const type = this.bytes.toString("utf8", typeStart, this.at - 1);
    this.expect(":");
    return { name, type, heading: Buffer.from(this.bytes.subarray(start, this.at)), next: undefined };
  }

  /** Passes over a column's heading if it is this one. */
  skipsHeading({ heading }: ParsedColumn): boolean {
    const { bytes, at } = this;
    if (at + heading.length > bytes.length) return false;
    for (let index = 0; index < heading.length; index++) if (bytes[at + index] !== heading[index]) return false;
    this.at += heading.length;
    return true;
  }

  invalid(why: string): GodwitError {
    return new GodwitError("protocol", `test_decoding: a text of ${this.bytes.length} bytes cannot be read: at offset ${this.at}: ${why}`);
  }

  #identifier(): string {
    const start = this.at;
    this.#passIdentifier();
    if (this.bytes[start] !== DOUBLE_QUOTE) return this.bytes.toString("utf8", start, this.at);
    return this.bytes.toString("utf8", start + 1, this.at - 1).replaceAll('""', '"');
  }

  /** What quote_identifier writes: small letters, digits and underscores, or anything in double quotes. */
  #passIdentifier(): void {
    const { bytes } = this;
    if (bytes[this.at] === DOUBLE_QUOTE) {
      this.at = this.endOfQuoted(DOUBLE_QUOTE);
      return;
    }
    const start = this.at;
    while (isPlain(bytes[this.at])) this.at++;
    if (this.at === start) throw this.invalid("a name was expected");
  }

  /** The offset behind a text in quotes that begins here; within it a quote stands twice. */
  endOfQuoted(quote: number): number {
    const { bytes } = this;
    for (let end = bytes.indexOf(quote, this.at + 1); end >= 0; end = bytes.indexOf(quote, end + 2)) if (bytes[end + 1] !== quote) return end + 1;
    throw this.invalid("a quote is not closed");
  }
}

const EPOCH_MS = Date.UTC(2000, 0, 1);

function isPlain(byte: number | undefined): boolean {
  return byte !== undefined && ((byte >= 0x61 && byte <= 0x7a) || (byte >= 0x30 && byte <= 0x39) || byte === 0x5f);
}

/** A column as the text writes it. */
export interface ParsedColumn {
  readonly name: string;
  /** As format_type writes it. */
  readonly type: string;
  /** ` name[type]:`, the bytes. */
  readonly heading: Buffer;
  /** The column that came behind it the last time: most likely it does again, and then its heading need not be read. */
  next: ParsedColumn | undefined;
}

/** The columns of one table that were seen. */
export class ParsedColumns {
  readonly #byHeading = new Map<string, ParsedColumn>();
  #first: ParsedColumn | undefined;

  /** Passes over the heading of the next column, which comes behind `previous`, and returns the column: always the same object for the same heading. */
  next(text: TextReader, previous: ParsedColumn | undefined): ParsedColumn {
    const guess = previous === undefined ? this.#first : previous.next;
    if (guess !== undefined && text.skipsHeading(guess)) return guess;
    const read = text.heading();
    const key = read.heading.toString("latin1");
    const column = this.#byHeading.get(key) ?? read;
    this.#byHeading.set(key, column);
    if (previous === undefined) this.#first = column;
    else previous.next = column;
    return column;
  }
}

/** Begins the new row behind an old one. No column looks like this: its name would be in quotes. */
export const NEW_TUPLE = " new-tuple:";

/** The columns of one row of a text, and where its values are. Used again for the next row. */
export class ParsedRow {
  readonly columns: ParsedColumn[] = [];
  /** Parallel to `columns`. */
  readonly #values: Value[] = [];

  clear(): void {
    this.columns.length = 0;
    this.#values.length = 0;
  }

  /** Reads columns up to the new row of an update, or to the end. */
  read(text: TextReader, known: ParsedColumns): void {
    this.clear();
    let previous: ParsedColumn | undefined;
    while (!text.isAtEnd && !text.sees(NEW_TUPLE)) {
      previous = known.next(text, previous);
      this.columns.push(previous);
      this.#values.push(readValue(text));
    }
  }

  /**
   * Writes the row as a tuple of pgoutput's layout to `into` at `start`, where there must be room for the text and five bytes a column. `places` says for
   * each column which one of the tuple it is; a column of the tuple that the row has not is null.
   */
  write(text: Buffer, places: ReadonlyMap<ParsedColumn, number>, columns: number, into: Buffer, start: number): Tuple {
    const values: (Value | undefined)[] = [];
    for (const [index, column] of this.columns.entries()) {
      const place = places.get(column) ?? -1;
      if (place >= 0) values[place] = this.#values[index];
    }
    let at = start;
    for (let column = 0; column < columns; column++) at = writeValue(text, values[column] ?? NULL_VALUE, into, at);
    return { bytes: into, start, end: at, columns };
  }
}

interface Value {
  readonly kind: number;
  /** What is written; with `isDoubled` the quotes in it stand twice. */
  readonly start: number;
  readonly end: number;
  readonly isDoubled: boolean;
  /** Written instead of what stands there. */
  readonly instead: number | undefined;
}

const NULL_VALUE: Value = { kind: NULL_COLUMN, start: 0, end: 0, isDoubled: false, instead: undefined };
const UNCHANGED_VALUE: Value = { ...NULL_VALUE, kind: UNCHANGED_COLUMN };
const TRUE_VALUE: Value = { ...NULL_VALUE, kind: TEXT_COLUMN, instead: 0x74 };
const FALSE_VALUE: Value = { ...NULL_VALUE, kind: TEXT_COLUMN, instead: 0x66 };
/** What stands without quotes; a text with such content has quotes. */
const WORDS = [
  ["null", NULL_VALUE],
  ["unchanged-toast-datum", UNCHANGED_VALUE],
  ["true", TRUE_VALUE],
  ["false", FALSE_VALUE],
] as const;

/** A value behind its heading: a number, a word, B'…' or '…'. Behind it is a blank or the end. */
function readValue(text: TextReader): Value {
  const { bytes } = text;
  if (text.sees("B'")) text.at++; // a bit string
  let value: Value;
  if (bytes[text.at] === QUOTE) {
    const start = text.at + 1;
    const end = text.endOfQuoted(QUOTE);
    const inner = bytes.indexOf(QUOTE, start);
    value = { kind: TEXT_COLUMN, start, end: end - 1, isDoubled: inner < end - 1, instead: undefined };
    text.at = end;
  } else {
    const start = text.at;
    const blank = bytes.indexOf(BLANK, start);
    const end = blank < 0 ? bytes.length : blank;
    const word = WORDS.find(([name]) => end - start === name.length && text.sees(name));
    value = word?.[1] ?? { kind: TEXT_COLUMN, start, end, isDoubled: false, instead: undefined };
    if (end === start) throw text.invalid("a value was expected");
    text.at = end;
  }
  if (!text.isAtEnd && bytes[text.at] !== BLANK) throw text.invalid("a blank was expected behind a value");
  return value;
}

function writeValue(text: Buffer, { kind, start, end, isDoubled, instead }: Value, into: Buffer, at: number): number {
  into[at] = kind;
  if (kind !== TEXT_COLUMN) return at + 1;
  const first = at + 5;
  let last = first;
  if (instead !== undefined) into[last++] = instead;
  else if (isDoubled) {
    for (let from = start; from < end; from++) {
      const byte = text[from]!;
      into[last++] = byte;
      if (byte === QUOTE) from++;
    }
  } else last += text.copy(into, last, start, end);
  into.writeInt32BE(last - first, at + 1);
  return last;
}
