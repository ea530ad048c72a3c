/** The service in this process between a simulated Engine and a simulated Loki, and what became of every line. */
export { accountsOf, type AccountSources, type ContainerAccount } from './account.js';
export type { Destruction } from './pieces.js';
export {
  merged,
  SHORT_TIMEOUTS,
  withCollector,
  type CollectingOptions,
  type CollectingWorld,
  type Settings,
} from './world.js';
