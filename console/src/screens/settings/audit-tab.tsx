import { Button, Group, Table } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { call } from "../../api/client.ts";
import { useText } from "../../text/text-context.tsx";
import { Listing } from "../../ui/listing.tsx";
import { MomentText } from "../../ui/moment-text.tsx";

const PAGE = 100;

/** Who did what, and when. */
export function AuditTab(): ReactNode {
  const { settings } = useText();
  const text = settings.audit;
  const { data, error, hasNextPage, fetchNextPage, isFetchingNextPage } = useInfiniteQuery({
    queryKey: ["audit"],
    queryFn: async ({ pageParam, signal }) => await call("listAudit", { query: { limit: PAGE, ...(pageParam === undefined ? {} : { before: pageParam }) }, signal }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ entries }) => (entries.length < PAGE ? undefined : entries.at(-1)?.id),
  });
  return (
    <>
      <Listing
        label={settings.tabs.audit}
        intro={text.body}
        columns={Object.values(text.columns)}
        rows={data?.pages.flatMap(({ entries }) => entries)}
        error={error}
        none={text.none}
      >
        {({ id, at, who, action, object, outcome, address, detail }) => (
          <Table.Tr key={id}>
            <Table.Td className="small">
              <MomentText at={at} />
            </Table.Td>
            <Table.Td>{who}</Table.Td>
            <Table.Td>{action}</Table.Td>
            <Table.Td className="mono break">{object}</Table.Td>
            <Table.Td>{outcome}</Table.Td>
            <Table.Td className="small">{address}</Table.Td>
            <Table.Td className="small break">{detail}</Table.Td>
            <Table.Td />
          </Table.Tr>
        )}
      </Listing>
      {hasNextPage && (
        <Group justify="center" mt="sm">
          <Button variant="default" onClick={() => void fetchNextPage()} loading={isFetchingNextPage}>
            {text.older}
          </Button>
        </Group>
      )}
    </>
  );
}
