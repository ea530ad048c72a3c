/** Loki stream labels: names matching [a-zA-Z_][a-zA-Z0-9_]*, any text as value. */
export type LabelSet = Readonly<Record<string, string>>;
