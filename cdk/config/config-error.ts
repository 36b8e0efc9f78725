/** One mistake in a configuration. */
export interface Problem {
  /** JSON path of the value, such as `$.profiles.internal.expiresIn`. For a file that is not JSON, its line and column. */
  readonly path: string;
  /** What was found, and what is allowed. */
  readonly message: string;
}

const hint = 'The file cert-renewer.schema.json in the package cert-renewer describes every field.';

/** Thrown for a configuration, or props, with mistakes. Its message lists all mistakes, one on each line. */
export class ConfigError extends Error {
  /** All mistakes, in the order of the message. */
  readonly problems: readonly Problem[];

  /** `source` names the file or the construct in the message. */
  constructor(source: string, problems: readonly Problem[]) {
    const lines = problems.map(({ path, message }) => `  ${path}: ${message}`);
    super([`${source} is not valid:`, ...lines, hint].join('\n'));
    this.name = 'ConfigError';
    this.problems = problems;
  }
}
