import { Examination, TooMany, type Examined, type ExaminationTools } from './examination.js';
import type { ContainerReport } from './report.js';

/**
 * Looks at a slice line by line, dividing it where it turns out to have more lines than there is room for, and
 * adds what is found to the report.
 *
 * @throws PollardError when one of the sides cannot be asked, or a push failed
 */
export async function examine(
  examined: Examined,
  tools: ExaminationTools,
  report: ContainerReport,
  signal: AbortSignal,
): Promise<void> {
  const open = [examined.slice];
  for (let slice = open.pop(); slice !== undefined; slice = open.pop()) {
    // As much room as the survey says that it takes; more lines may have come since, or equal ones lie apart.
    const expected = Math.ceil(slice.lines * 1.1) + 64;
    const rooms = expected < tools.tableEntries ? [expected, tools.tableEntries] : [tools.tableEntries];
    const tooMany = await tryRooms(rooms, { ...examined, slice }, tools, report, signal);
    if (tooMany !== undefined) open.push(...slice.halves(tooMany.oneStamp).reverse());
  }
}

/** Undefined: one was large enough. */
async function tryRooms(
  rooms: readonly number[],
  examined: Examined,
  tools: ExaminationTools,
  report: ContainerReport,
  signal: AbortSignal,
): Promise<TooMany | undefined> {
  let tooMany: TooMany | undefined;
  for (const room of rooms) {
    const examination = new Examination(examined, tools, room);
    try {
      await examination.run(report, signal);
      return undefined;
    } catch (error) {
      if (!(error instanceof TooMany)) throw error;
      tooMany = error;
    } finally {
      examination.release();
    }
  }
  return tooMany;
}
