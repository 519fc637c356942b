/** The same locale has several spellings: en_US.UTF-8 and en_US.utf8, C and POSIX. */
export function isSameLocale(one: string, other: string): boolean {
  return plain(one) === plain(other);
}

/** For how numbers, money and dates are written the codeset does not matter. */
export function isSameLanguage(one: string, other: string): boolean {
  return plain(one).split(".")[0] === plain(other).split(".")[0];
}

function plain(name: string): string {
  const [language = "", codeset = ""] = name.split(".");
  return language === "POSIX" ? "C" : `${language}.${codeset.toLowerCase().replaceAll("-", "")}`.replace(/\.$/, "");
}
