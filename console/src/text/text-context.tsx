import { type ReactNode, createContext, use, useEffect, useMemo, useState } from "react";
import { en } from "./en.ts";
import { Format } from "./format.ts";
import { type Language, firstLanguage, keepLanguage } from "./language.ts";
import type { Text } from "./text.ts";
import { zh } from "./zh.ts";

interface Spoken {
  readonly language: Language;
  readonly text: Text;
  readonly format: Format;
  readonly speak: (language: Language) => void;
}

const TEXTS: Readonly<Record<Language, Text>> = { en, zh };

const TextContext = createContext<Spoken | undefined>(undefined);

export function TextProvider({ children }: { readonly children: ReactNode }): ReactNode {
  const [language, setLanguage] = useState(firstLanguage);
  useEffect(() => {
    document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  }, [language]);
  const spoken = useMemo<Spoken>(
    () => ({
      language,
      text: TEXTS[language],
      format: new Format(language),
      speak: (next) => {
        keepLanguage(next);
        setLanguage(next);
      },
    }),
    [language],
  );
  return <TextContext value={spoken}>{children}</TextContext>;
}

function useSpoken(): Spoken {
  const spoken = use(TextContext);
  if (spoken === undefined) throw new Error("TextProvider is missing");
  return spoken;
}

/** The words of the console in the language chosen. */
export function useText(): Text {
  return useSpoken().text;
}

export function useFormat(): Format {
  return useSpoken().format;
}

export function useLanguage(): Pick<Spoken, "language" | "speak"> {
  return useSpoken();
}
