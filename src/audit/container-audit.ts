import { PollardError } from '../model/errors.js';
import type { Nanoseconds } from '../model/nanoseconds.js';
import { DirectSending, type DirectTools } from './direct-sending.js';
import type { ExaminationTools } from './examination.js';
import { examine } from './examine.js';
import { noteMalformed, noteReading, type ContainerReport } from './report.js';
import { Slice } from './slice.js';
import { streamName, STREAMS, type Subject } from './subject.js';
import { Survey, type Difference, type SurveyTools } from './survey.js';
import type { UnstoredSpans } from './unstored-spans.js';

export type ContainerTools = SurveyTools &
  DirectTools &
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
  const { findsBeginnings, repair, held } = tools;
  await lookAtEnd(subject, signal);
  if (findsBeginnings || repair !== undefined) report.logBegins = await subject.log.oldest(signal);
  const survey = new Survey(subject, tools);
  const directBytes = repair === undefined ? 0 : DirectSending.bytesFor(survey.grid.size);
  held.take(directBytes);
  try {
    await new ContainerAudit(subject, tools, report, survey).run(signal);
  } finally {
    survey.release();
    held.give(directBytes);
  }
}

class ContainerAudit {
  readonly #subject: Subject;
  readonly #tools: ContainerTools;
  readonly #report: ContainerReport;
  readonly #survey: Survey;
  #oldest: { readonly stamp: Nanoseconds | undefined } | undefined;
  #unstored: UnstoredSpans | undefined;
  /** What was sent without an examination. */
  #direct: DirectSending | undefined;

  constructor(subject: Subject, tools: ContainerTools, report: ContainerReport, survey: Survey) {
    this.#subject = subject;
    this.#tools = tools;
    this.#report = report;
    this.#survey = survey;
    if (tools.findsBeginnings || tools.repair !== undefined) this.#oldest = { stamp: report.logBegins };
  }

  async run(signal: AbortSignal): Promise<void> {
    const [survey, report] = [this.#survey, this.#report];
    this.#direct = await this.#sendingFrom(0, signal);
    const failure = await survey.run(signal, this.#direct);
    if (survey.reading !== undefined) noteReading(report, survey.reading);
    noteMalformed(report, survey.malformed);
    for (const stream of STREAMS) survey.countAgreeing(stream, report.streams[streamName(stream)]);
    report.samples.gaps.push(...survey.gaps);
    this.#unstored = await this.#tools.rejectedFile?.unstored(this.#subject.log.container);
    const differences = [...survey.differences()];
    if (this.#direct === undefined) await this.#examineAndSend(differences, signal);
    else await this.#examine(differences, failure, signal);
    this.#addSamples();
  }

  /** Where Loki has nothing from some time on, the lines before that are examined, and those from there on are sent. */
  async #examineAndSend(differences: readonly Difference[], signal: AbortSignal): Promise<void> {
    const survey = this.#survey;
    const { absentFrom } = survey;
    const tail = differences.filter(({ bucket }) => bucket >= absentFrom);
    const lines = tail.reduce((sum, difference) => sum + difference.lines, 0);
    // One slice costs no more than a further look.
    if (lines <= this.#tools.tableEntries) {
      await this.#examine(differences, undefined, signal);
      return;
    }
    // Oldest first, as the streams of old lines need it.
    await this.#examine(
      differences.filter(({ bucket }) => bucket < absentFrom),
      undefined,
      signal,
    );
    this.#direct = await this.#sendingFrom(absentFrom, signal);
    if (this.#direct === undefined) {
      await this.#examine(tail, undefined, signal);
      return;
    }
    const failure = await survey.send(this.#direct, signal);
    const left = tail.filter(
      ({ stream, bucket }) =>
        !survey.countIfAgreeing(stream, bucket, this.#report.streams[streamName(stream)]),
    );
    await this.#examine(left, failure, signal);
  }

  async #sendingFrom(bucket: number, signal: AbortSignal): Promise<DirectSending | undefined> {
    const { repair } = this.#tools;
    const { grid, malformed } = this.#survey;
    // What was not understood may be what seems to be missing.
    if (repair === undefined || malformed > 0) return undefined;
    const stretch = grid.rangeOf(bucket, grid.size - 1);
    const sending = { repair, stretch, oldest: this.#oldest?.stamp, buckets: grid.size };
    return await DirectSending.into(this.#subject, this.#tools, sending, signal);
  }

  /** @param failure of a push before: it is thrown when something of the rest is known */
  async #examine(
    differences: readonly Difference[],
    failure: Error | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    const [subject, survey, report] = [this.#subject, this.#survey, this.#report];
    for (const slice of Slice.pack(survey.grid, differences, this.#tools.tableEntries)) {
      this.#oldest ??= { stamp: await subject.log.oldest(signal) };
      report.logBegins = this.#oldest.stamp;
      const { stamp: oldest } = this.#oldest;
      const examined = { subject, survey, slice, oldest, unstored: this.#unstored, direct: this.#direct };
      await examine(examined, this.#tools, report, signal);
      if (failure !== undefined) break;
    }
    if (failure !== undefined) throw failure;
  }

  #addSamples(): void {
    const { repaired } = this.#report.samples;
    repaired.unshift(...this.#survey.repaired);
    repaired.splice(this.#tools.samples);
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
