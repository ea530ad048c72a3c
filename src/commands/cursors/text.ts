import { lastStamp } from '../../collector/transfer.js';
import { printable } from '../../config/shown.js';
import type { SeenCursors } from '../../cursors/read-cursors.js';
import type { Cursor } from '../../model/cursor.js';
import { formatStamp, NS_PER_SECOND, type Nanoseconds } from '../../model/nanoseconds.js';
import { formatSize } from '../output.js';
import type { Style } from '../view/style.js';
import { table, type Column } from '../view/table.js';
import { formatInstant, formatSeconds } from '../view/times.js';

/** All cursors as a table, by name, and what is wrong with those that cannot be used. */
export function listText({ cursors, unusable, kept }: SeenCursors, style: Style, now: Nanoseconds): string {
  const columns: Column<Cursor>[] = [
    { head: 'CONTAINER', cell: ({ containerName }) => containerName },
    { head: 'ID', cell: ({ containerId }) => containerId.slice(0, 12) },
    { head: 'DELIVERED UP TO', cell: deliveredText },
    { head: 'COMMITTED', cell: ({ committedAt }) => `${age(committedAt, now)} ago`, right: true },
    { head: 'OPEN LINES', cell: ({ open }) => String(open.length), right: true },
  ];
  const rows = [...cursors].sort((a, b) => (a.containerName < b.containerName ? -1 : 1));
  const lines = rows.length === 0 ? ['no cursor'] : table(columns, rows, style);
  for (const { id, error } of unusable) {
    lines.push(
      style.paint('red', `! the cursor of ${id.slice(0, 12)} cannot be used: ${printable(error.message)}`),
    );
  }
  if (kept > 0) lines.push(`${kept} damaged kept aside (*.corrupt-*)`);
  return `${lines.join('\n')}\n`;
}

/** One cursor, whole but for the text of open lines, which is what the container wrote. */
export function cursorText(cursor: Cursor, file: string, now: Nanoseconds): string {
  const { containerName, containerId, anchor, open, moved, committedAt } = cursor;
  const rows: [string, string][] = [
    ['container', containerName],
    ['id', containerId],
    ['file', file],
    ['committed', `${formatStamp(committedAt)} (${age(committedAt, now)} ago)`],
    ['delivered up to', deliveredText(cursor)],
    ['last entries', `${anchor.length}, by which the place is found again`],
    ...anchor.map(({ stamp, stream, hash }): [string, string] => [
      '',
      `${formatStamp(stamp)} ${stream} ${hash}`,
    ]),
    ['open lines', open.length === 0 ? 'none' : String(open.length)],
    ...open.map(({ stream, stamp, text, cut, delivered }): [string, string] => [
      '',
      `${formatStamp(stamp)} ${stream}, ${formatSize(text.byteLength)} so far${delivered ? ` after ${delivered.count} delivered in pieces` : ''}${cut ? ', to be cut there' : ''}`,
    ]),
    ...Object.entries(moved).map(([stream, { stamp, assigned }]): [string, string] => [
      'moved stamps',
      `${stream}: ${formatStamp(stamp)} was delivered as ${formatStamp(assigned)}`,
    ]),
  ];
  return rows.map(([title, text]) => `${title.padEnd(17)}${printable(text)}\n`).join('');
}

/** A cursor as plain values; text of open lines only by its length. */
export function cursorJson(cursor: Cursor): object {
  const { containerName, containerId, anchor, open, moved, committedAt } = cursor;
  const delivered = lastStamp(anchor);
  return {
    container: containerName,
    id: containerId,
    committed: formatStamp(committedAt),
    delivered: delivered === 0n ? null : formatStamp(delivered),
    anchor: anchor.map(({ stamp, stream, hash }) => ({ timestamp: formatStamp(stamp), stream, hash })),
    open: open.map(({ stream, stamp, text, cut, delivered }) => ({
      stream,
      timestamp: formatStamp(stamp),
      bytes: text.byteLength,
      cut,
      pieces_delivered: delivered?.count ?? 0,
    })),
    moved: Object.fromEntries(
      Object.entries(moved).map(([stream, { stamp, assigned }]) => [
        stream,
        { timestamp: formatStamp(stamp), assigned: formatStamp(assigned) },
      ]),
    ),
  };
}

function deliveredText({ anchor }: Cursor): string {
  const stamp = lastStamp(anchor);
  return stamp === 0n ? 'the beginning' : formatInstant(stamp);
}

function age(stamp: Nanoseconds, now: Nanoseconds): string {
  return formatSeconds(Number((now - stamp) / NS_PER_SECOND));
}
