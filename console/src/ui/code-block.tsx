import { ActionIcon, CopyButton, Tooltip } from "@mantine/core";
import { IconCheck, IconCopy } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { useText } from "../text/text-context.tsx";

/** SQL or a command, to read and to copy. */
export function CodeBlock({ children }: { readonly children: string }): ReactNode {
  const { words } = useText();
  return (
    <div style={{ position: "relative" }}>
      {/* Focusable, so that the keyboard can scroll it. */}
      <pre className="code" tabIndex={0}>
        {children}
      </pre>
      <CopyButton value={children}>
        {({ copied, copy }) => (
          <Tooltip label={copied ? words.copied : words.copy}>
            <ActionIcon variant="default" size="sm" aria-label={words.copy} onClick={copy} style={{ position: "absolute", top: 6, right: 6 }}>
              {copied ? <IconCheck size={14} /> : <IconCopy size={14} />}
            </ActionIcon>
          </Tooltip>
        )}
      </CopyButton>
    </div>
  );
}
