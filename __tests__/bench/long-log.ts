import { runContainer, type TestContainer } from '../support/engines/container.js';
import type { Engine } from '../support/engines/engine.js';
import { until } from './until.js';

/** Bytes of a line, its newline included. */
export const LINE_BYTES = 120;

/** A container with a long log; it has written all of it and idles. */
export interface LongLog {
  readonly container: TestContainer;
  readonly name: string;
  readonly lines: number;
}

/** As a service logs: the same words in each line, and figures that differ. */
const SCRIPT = `
awk -v lines="$LINES" 'BEGIN {
  srand(1)
  pad = "................................................................................"
  for (i = 1; i <= lines; i++) {
    line = sprintf("%08d level=info msg=request path=/api/items/%06d status=200 bytes=%06d ms=%d ",
      i, rand() * 1000000, rand() * 1000000, rand() * 1000)
    print substr(line pad, 1, ${LINE_BYTES - 1})
  }
}'
exec sleep 1000000
`;

/** Lets a real container of the Engine write its lines, through the driver json-file. */
export async function writeLongLog(engine: Engine, name: string, lines: number): Promise<LongLog> {
  const container = await runContainer(engine, { name, cmd: SCRIPT, env: { LINES: String(lines) } });
  const last = `${String(lines).padStart(8, '0')} level`;
  await until(`${name} has written its ${lines} lines`, async () => {
    const { body } = await container.logs({ tail: '1' });
    return body.includes(last);
  });
  return { container, name, lines };
}
