import type { Config } from '../../config/schema.js';
import type { Clock } from '../../model/clock.js';
import { PollardError } from '../../model/errors.js';
import { silentLogger } from '../silent-logger.js';
import { askStatusPage } from '../status/status-client.js';
import { statusCertificate } from '../wiring/status-access.js';
import { statusServer } from '../wiring/status-parts.js';
import { fileCertificates } from './certificates.js';
import { failedPart, goodPart, warning, type Part, type Trouble } from './part.js';

/** Looks whether the status page can have its address: it is free, or a running Pollard has it. */
export async function checkStatusPage(config: Config, clock: Clock): Promise<Part> {
  const { listen, enabled, tls } = config.status;
  if (!enabled) return goodPart('status', 'switched off (status.enabled)', { facts: { enabled } });
  const facts: Record<string, unknown> = { enabled, listen };
  const warnings: Trouble[] = [];
  try {
    warnings.push(
      ...fileCertificates(
        'status.tls.cert_file',
        tls?.cert_file,
        await statusCertificate(config),
        clock.now(),
      ),
    );
    // What the service does, and at once given back.
    const server = await statusServer(config, NOTHING, silentLogger, clock);
    await server.close();
    warnings.push(...server.warnings.map((text) => warning('status_open', text, undefined, 'status.listen')));
    facts['taken_by'] = null;
    return goodPart('status', `${listen} is free`, { warnings, facts });
  } catch (error) {
    if (!(error instanceof PollardError) || error.code !== 'status_port_in_use') {
      return failedPart('status', error, 'status.listen', { warnings, facts });
    }
    const taken = await takenBy(config);
    facts['taken_by'] = taken?.facts ?? 'another process';
    if (taken === undefined) return failedPart('status', error, 'status.listen', { warnings, facts });
    return goodPart('status', `${listen} ${taken.summary}`, {
      warnings: [...warnings, ...taken.warnings],
      facts,
    });
  }
}

/** Nobody asks in that instant; who does learns that nothing can be told. */
const NOTHING = {
  metrics: () => Promise.reject(new Error('this is only a check')),
  health: (): never => {
    throw new Error('this is only a check');
  },
  ready: () => ({ ready: false, reason: 'this is only a check' }),
  status: () => ({}),
};

interface Taken {
  readonly summary: string;
  readonly facts: Readonly<Record<string, unknown>>;
  readonly warnings: readonly Trouble[];
}

/** The Pollard that has the address; undefined: it is none, as far as can be told. */
async function takenBy(config: Config): Promise<Taken | undefined> {
  try {
    const { status, body } = await askStatusPage(config, '/status');
    const page = JSON.parse(body) as { version?: unknown; pid?: unknown; health?: unknown; error?: unknown };
    if (status === 401 && page.error === 'a bearer token is needed') {
      const message = 'a Pollard has the address and asks for another token';
      const hint = 'was the token changed? the service asks for the new one after a restart';
      return {
        summary: 'is taken by a Pollard',
        facts: { pid: null },
        warnings: [warning('status_other_token', message, hint, 'status.token_file')],
      };
    }
    const { version, pid } = page;
    if (status !== 200 || typeof version !== 'string' || typeof pid !== 'number') return undefined;
    return {
      summary: `is taken by the running Pollard ${version} (process ${pid})`,
      facts: { version, pid },
      warnings: [],
    };
  } catch (error) {
    if (error instanceof PollardError && error.code === 'status_certificate') {
      const { code, message, hint, setting } = error;
      return { summary: 'is taken', facts: { pid: null }, warnings: [warning(code, message, hint, setting)] };
    }
    return undefined;
  }
}
