import { createHash } from 'node:crypto';
import type { z } from 'zod';

/** An item of an answer that cannot be understood and is skipped: a container of the list, or an event. */
export interface MalformedItem {
  readonly kind: 'container' | 'event';
  /** What it gives as the id of its container; undefined: nobody knows which container it is. */
  readonly containerId: string | undefined;
  /** What is wrong with it. */
  readonly problem: string;
  /** Its beginning, for messages. */
  readonly excerpt: string;
  /** The same for the same text. */
  readonly digest: string;
}

const MOST_PROBLEM = 200;
const MOST_EXCERPT = 120;

export function malformedItem(
  kind: MalformedItem['kind'],
  containerId: unknown,
  problem: string,
  text: string,
): MalformedItem {
  return {
    kind,
    containerId: typeof containerId === 'string' ? containerId : undefined,
    problem: problem.slice(0, MOST_PROBLEM),
    excerpt: text.slice(0, MOST_EXCERPT),
    digest: createHash('sha256').update(text).digest('base64'),
  };
}

/** The first thing that is wrong: where, and what. */
export function problemOf({ issues: [issue] }: z.ZodError): string {
  const where = issue?.path.join('.') ?? '';
  const what = issue?.message ?? 'is not what it should be';
  return where === '' ? what : `${where}: ${what}`;
}
