import { ActionIcon, Anchor, Group, Menu } from "@mantine/core";
import { IconLogout, IconSettings, IconUserCircle } from "@tabler/icons-react";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Link, Outlet, useLocation } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { call } from "../api/client.ts";
import { SESSION_KEY, useSession } from "../api/session.ts";
import { useText } from "../text/text-context.tsx";
import { GoTo } from "../ui/go-to.tsx";
import { ViewMenu } from "./view-menu.tsx";

/** The frame of all pages behind the login. */
export function Shell(): ReactNode {
  const { shell } = useText();
  const { account } = useSession();
  const { href } = useLocation();
  if (account === null) return <GoTo address={href === "/tasks" ? "/login" : `/login?${new URLSearchParams({ next: href }).toString()}`} />;
  return (
    <>
      <a className="skip" href="#content">
        {shell.skip}
      </a>
      <header className="bar">
        <Group className="bar-start" wrap="nowrap">
          <Anchor component={Link} to="/tasks" className="brand" underline="never">
            <img src="/godwit.svg" alt="" width={24} height={24} />
            <span>Godwit</span>
          </Anchor>
          <nav aria-label={shell.menu}>
            <Group gap={4} wrap="nowrap">
              <Link to="/tasks" className="nav">
                {shell.tasks}
              </Link>
              <Link
                to="/settings/$tab"
                params={{ tab: account.role === "admin" ? "accounts" : "password" }}
                className="nav"
                data-status={href.startsWith("/settings") ? "active" : undefined}
              >
                {shell.settings}
              </Link>
            </Group>
          </nav>
        </Group>
        <Group gap={4} wrap="nowrap">
          <ViewMenu />
          <AccountMenu name={account.name} role={account.role} />
        </Group>
      </header>
      <main id="content" className="page">
        <Outlet />
      </main>
    </>
  );
}

function AccountMenu({ name, role }: { readonly name: string; readonly role: "viewer" | "operator" | "admin" }): ReactNode {
  const { shell, words } = useText();
  const { version } = useSession();
  const queryClient = useQueryClient();
  const logOut = useMutation({
    mutationFn: async () => await call("logOut"),
    // What the account has seen is not for the next one.
    onSettled: async () => {
      queryClient.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== SESSION_KEY[0] });
      await queryClient.invalidateQueries({ queryKey: SESSION_KEY });
    },
  });
  return (
    <Menu position="bottom-end" width={200}>
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" size="lg" aria-label={shell.account}>
          <IconUserCircle size={20} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          {name} · {words.role[role]}
        </Menu.Label>
        <Menu.Item component={Link} to="/settings/password" leftSection={<IconSettings size={16} />}>
          {shell.settings}
        </Menu.Item>
        <Menu.Item leftSection={<IconLogout size={16} />} onClick={() => logOut.mutate()}>
          {shell.logOut}
        </Menu.Item>
        <Menu.Divider />
        <Menu.Label>{shell.version(version)}</Menu.Label>
      </Menu.Dropdown>
    </Menu>
  );
}
