import { fileURLToPath } from 'node:url';

/** Where figures are written, to be committed. */
export const RESULTS = fileURLToPath(new URL('results/', import.meta.url));
