/** Loki stream labels: names matching [a-zA-Z_][a-zA-Z0-9_]*, any text as value. */
export type LabelSet = Readonly<Record<string, string>>;

/** Loki's limits on a stream's labels (pkg/validation/limits.go). */
export interface LabelLimits {
  /** `max_label_names_per_series`; `service_name` is not counted. */
  readonly maxNames: number;
  /** `max_label_name_length`, bytes. */
  readonly maxNameBytes: number;
  /** `max_label_value_length`, bytes. */
  readonly maxValueBytes: number;
}

/** What holds in a Loki that says nothing else. */
export const DEFAULT_LABEL_LIMITS: LabelLimits = { maxNames: 15, maxNameBytes: 1024, maxValueBytes: 2048 };

/**
 * Makes any text a label name, `[a-zA-Z_][a-zA-Z0-9_]*` (Prometheus data model): each other character becomes
 * an underscore, and one is put before a leading digit. Two texts may become one name.
 */
export function sanitizeLabelName(text: string): string {
  const name = text.replace(/[^a-zA-Z0-9_]/gu, '_');
  return name === '' || /^\d/.test(name) ? `_${name}` : name;
}
