export const LANGUAGES = { en: "English", zh: "简体中文" } as const;
export type Language = keyof typeof LANGUAGES;

const KEY = "godwit-language";

/** As chosen before, else as the browser prefers. */
export function firstLanguage(): Language {
  const chosen = localStorage.getItem(KEY);
  if (chosen === "en" || chosen === "zh") return chosen;
  const preferred = navigator.languages.find((name) => /^(en|zh)\b/i.test(name));
  return preferred?.toLowerCase().startsWith("zh") === true ? "zh" : "en";
}

export function keepLanguage(language: Language): void {
  localStorage.setItem(KEY, language);
}
