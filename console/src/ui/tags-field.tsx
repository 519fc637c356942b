import { TagsInput } from "@mantine/core";
import { type ReactNode, useState } from "react";
import { useText } from "../text/text-context.tsx";

export type Tags = Readonly<Record<string, string>>;

interface Tagging {
  readonly value: Tags;
  readonly onChange: (tags: Tags) => void;
  readonly disabled?: boolean;
}

/** Tags, typed as name=value. */
export function TagsField({ value, onChange, disabled = false }: Tagging): ReactNode {
  const { words } = useText();
  const [isWrong, setWrong] = useState(false);
  const change = (written: string[]): void => {
    const pairs = written.map((tag) => /^\s*([^=]+?)\s*=(.*)$/.exec(tag));
    setWrong(pairs.includes(null));
    onChange(Object.fromEntries(pairs.filter((pair) => pair !== null).map(([, name = "", tag = ""]) => [name, tag.trim()])));
  };
  return (
    <TagsInput
      label={words.tags}
      description={words.tagsHint}
      error={isWrong ? words.tagWrong : undefined}
      value={Object.entries(value).map(([name, tag]) => `${name}=${tag}`)}
      onChange={change}
      disabled={disabled}
      acceptValueOnBlur
    />
  );
}

/** Tags beside something. */
export function TagList({ tags }: { readonly tags: Tags }): ReactNode {
  return Object.entries(tags).map(([name, value]) => (
    <span key={name} className="tag" title={`${name}=${value}`}>
      {name}={value}
    </span>
  ));
}
