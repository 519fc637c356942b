import { Text } from "@mantine/core";
import type { ReactNode } from "react";
import { useFormat, useText } from "../../text/text-context.tsx";
import { Facts } from "../../ui/facts.tsx";
import { ResultIcon } from "../../ui/result-icon.tsx";
import type { Completed } from "./summary.ts";

/** So many lines of one step are for people; the report has all. */
const MOST_LINES = 12;

/** What Complete did, step by step: each thing that was aligned, from which value to which. */
export function CompletedSteps({ completed }: { readonly completed: Completed }): ReactNode {
  const { task } = useText();
  const text = task.report;
  const format = useFormat();
  const { stops, proofs, steps } = completed;
  const hasMany = new Set(steps.map(({ database }) => database)).size > 1;
  const proof = ({ isProved, watchedTo, transactions, changes, missing }: Completed["proofs"][string]): string => {
    if (isProved) return text.proved(watchedTo);
    if (transactions === 0) return text.notProved(watchedTo);
    const figures = [format.count(transactions), format.count(changes)] as const;
    return missing === undefined || missing.transactions === 0 ? text.wroteBehind(...figures) : text.missingBehind(...figures, format.count(missing.transactions));
  };
  const named = (database: string, value: string): string => (hasMany ? `${database}: ${value}` : value);
  return (
    <div>
      <Text size="sm" fw={600} mb="xs">
        {task.complete.done}: {format.duration(completed.seconds)}
      </Text>
      <Facts
        facts={[
          [
            text.stops,
            Object.entries(stops).map(([database, lsn]) => (
              <div key={database} className="mono">
                {named(database, lsn)}
              </div>
            )),
          ],
          [text.proof, Object.keys(proofs).length === 0 ? null : Object.entries(proofs).map(([database, verdict]) => <div key={database}>{named(database, proof(verdict))}</div>)],
        ]}
      />
      <ol className="completed">
        {steps.map(({ step, database, seconds, aligned, notes }) => (
          <li key={`${step} ${database}`}>
            <ResultIcon result={notes.length > 0 ? "alarm" : "passed"} size={16} />
            <div style={{ minWidth: 0 }}>
              <Text size="sm">
                {named(database, task.complete.steps[step] ?? step)}{" "}
                <Text span size="xs" c="dimmed">
                  {format.duration(seconds)}
                  {aligned.length > 0 && ` · ${text.aligned(format.count(aligned.length))}`}
                </Text>
              </Text>
              {aligned.slice(0, MOST_LINES).map(({ object, from, to }) => (
                <div key={object} className="mono dim break">
                  {object}: {from === undefined ? to : `${from} → ${to}`}
                </div>
              ))}
              {aligned.length > MOST_LINES && <div className="small dim">{text.moreAligned(format.count(aligned.length - MOST_LINES))}</div>}
              {notes.map((note) => (
                <div key={note} className="small break" style={{ color: "var(--tone-warn)" }}>
                  {note}
                </div>
              ))}
            </div>
          </li>
        ))}
      </ol>
    </div>
  );
}
