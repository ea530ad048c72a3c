/** Where a value came from. */
export type Origin =
  | { readonly kind: 'file'; readonly file: string; readonly line: number; readonly column?: number }
  | { readonly kind: 'environment'; readonly variable: string }
  | { readonly kind: 'flag'; readonly flag: string };

/** A value that someone gave to a setting. */
export interface Given {
  readonly value: unknown;
  readonly origin: Origin;
  /** Where a part of a list or a map came from, when that can be told closer. */
  readonly partOrigin?: (key: string | number) => Origin | undefined;
}

/** Where a value came from, for people. */
export function originText(origin: Origin): string {
  switch (origin.kind) {
    case 'file': {
      const column = origin.column === undefined ? '' : `:${origin.column}`;
      return `${origin.file}:${origin.line}${column}`;
    }
    case 'environment':
      return `environment variable ${origin.variable}`;
    case 'flag':
      return `flag ${origin.flag}`;
  }
}
