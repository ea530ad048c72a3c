import { PollardError } from '../model/errors.js';
import type { Nanoseconds } from '../model/nanoseconds.js';
import type { ExaminationTools } from './examination.js';
import { examine } from './examine.js';
import { noteMalformed, noteReading, type ContainerReport } from './report.js';
import { Slice } from './slice.js';
import { streamName, STREAMS, type Subject } from './subject.js';
import { Survey, type SurveyTools } from './survey.js';

export type ContainerTools = SurveyTools &
  ExaminationTools & {
    /** Also look where the log begins if nothing is missing. */
    readonly findsBeginnings: boolean;
  };

/**
 * Holds one container's log against Loki, and writes what is found into the report.
 *
 * @throws PollardError when one of the sides cannot be asked, or a push failed: the report then has what was found
 *   until then
 */
export async function auditContainer(
  subject: Subject,
  tools: ContainerTools,
  report: ContainerReport,
  signal: AbortSignal,
): Promise<void> {
  await lookAtEnd(subject, signal);
  const survey = new Survey(subject, tools);
  try {
    await survey.run(signal);
    if (survey.reading !== undefined) noteReading(report, survey.reading);
    noteMalformed(report, survey.malformed);
    for (const stream of STREAMS) survey.countAgreeing(stream, report.streams[streamName(stream)]);
    report.samples.gaps.push(...survey.gaps);
    let oldest: { readonly stamp: Nanoseconds | undefined } | undefined;
    if (tools.findsBeginnings) oldest = { stamp: await subject.log.oldest(signal) };
    report.logBegins = oldest?.stamp;
    const unstored = await tools.rejectedFile?.unstored(subject.log.container);
    for (const slice of Slice.pack(survey.grid, survey.differences(), tools.tableEntries)) {
      oldest ??= { stamp: await subject.log.oldest(signal) };
      report.logBegins = oldest.stamp;
      await examine({ subject, survey, slice, oldest: oldest.stamp, unstored }, tools, report, signal);
    }
  } finally {
    survey.release();
  }
}

/** Without it, only whether the log was read to its end is not known; what is really wrong comes again. */
async function lookAtEnd(subject: Subject, signal: AbortSignal): Promise<void> {
  try {
    await subject.log.lookAtEnd(signal);
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof PollardError)) throw error;
  }
}
