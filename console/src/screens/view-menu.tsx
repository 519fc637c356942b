import { ActionIcon, type MantineColorScheme, Menu, useMantineColorScheme } from "@mantine/core";
import { IconCheck, IconDeviceDesktop, IconLanguage, IconMoon, IconSun } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { LANGUAGES, type Language } from "../text/language.ts";
import { useLanguage, useText } from "../text/text-context.tsx";

const ICONS = { auto: IconDeviceDesktop, light: IconSun, dark: IconMoon } as const;

/** How the console looks and speaks; also before the login. */
export function ViewMenu(): ReactNode {
  const { shell } = useText();
  const { language, speak } = useLanguage();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const Icon = ICONS[colorScheme];
  return (
    <>
      <Menu position="bottom-end" width={180}>
        <Menu.Target>
          <ActionIcon variant="subtle" color="gray" size="lg" aria-label={shell.theme}>
            <Icon size={18} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          {(Object.keys(ICONS) as MantineColorScheme[]).map((scheme) => (
            <Menu.Item key={scheme} onClick={() => setColorScheme(scheme)} rightSection={scheme === colorScheme && <IconCheck size={14} />}>
              {shell.themes[scheme]}
            </Menu.Item>
          ))}
        </Menu.Dropdown>
      </Menu>
      <Menu position="bottom-end" width={160}>
        <Menu.Target>
          <ActionIcon variant="subtle" color="gray" size="lg" aria-label={shell.language}>
            <IconLanguage size={18} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          {(Object.keys(LANGUAGES) as Language[]).map((name) => (
            <Menu.Item key={name} lang={name} onClick={() => speak(name)} rightSection={name === language && <IconCheck size={14} />}>
              {LANGUAGES[name]}
            </Menu.Item>
          ))}
        </Menu.Dropdown>
      </Menu>
    </>
  );
}
