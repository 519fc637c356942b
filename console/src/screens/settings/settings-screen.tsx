import { Tabs, Title } from "@mantine/core";
import { useNavigate, useParams } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { useMay } from "../../api/session.ts";
import { useText } from "../../text/text-context.tsx";
import { NothingHere } from "../../ui/nothing-here.tsx";
import { AccountsTab } from "./accounts-tab.tsx";
import { AlertsTab } from "./alerts-tab.tsx";
import { AuditTab } from "./audit-tab.tsx";
import { PasswordTab } from "./password-tab.tsx";
import { SETTINGS_TABS, type SettingsTab } from "./settings-tabs.ts";
import { TokensTab } from "./tokens-tab.tsx";

const SCREENS: Readonly<Record<SettingsTab, () => ReactNode>> = { accounts: AccountsTab, tokens: TokensTab, alerts: AlertsTab, audit: AuditTab, password: PasswordTab };

/** All that is not one task's. */
export function SettingsScreen(): ReactNode {
  const { settings } = useText();
  const { tab } = useParams({ from: "/shell/settings/$tab" });
  const navigate = useNavigate();
  const isAdmin = useMay("admin");
  const tabs = SETTINGS_TABS.filter((name) => isAdmin || name === "password");
  const Screen = SCREENS[tab];
  return (
    <>
      <Title order={1} mb="sm">
        {settings.title}
      </Title>
      <Tabs value={tab} onChange={(next) => void navigate({ to: "/settings/$tab", params: { tab: next as SettingsTab } })} keepMounted={false}>
        <Tabs.List mb="md" aria-label={settings.tabsLabel} className="tabs">
          {tabs.map((name) => (
            <Tabs.Tab key={name} value={name}>
              {settings.tabs[name]}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        <Tabs.Panel value={tab}>{tabs.includes(tab) ? <Screen /> : <NothingHere>{settings.adminsOnly}</NothingHere>}</Tabs.Panel>
      </Tabs>
    </>
  );
}
