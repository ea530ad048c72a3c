/** The figures of a demo's account, by their names; and what it says in the end. */
export interface DemoReport {
  readonly figures: Readonly<Record<string, number>>;
  readonly verdict: string;
}

/** Reads the account that a demo prints. */
export function readDemoReport(output: string): DemoReport {
  const head = output.lastIndexOf('Every line that was written');
  if (head < 0) throw new Error(`there is no account in: ${output}`);
  const account = output.slice(head);
  const figures: Record<string, number> = {};
  for (const [, name, value] of account.matchAll(/^ {2}(\S[^\n]*?) {2,}(\d+(?:\.\d+)?)(?: {3}|$)/gm)) {
    figures[name!] = Number(value);
  }
  const verdict = /^(?:It holds|It does not hold|Nothing was written)[^]*$/m.exec(account)?.[0] ?? '';
  return { figures, verdict: verdict.trim() };
}
