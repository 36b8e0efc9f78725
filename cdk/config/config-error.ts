/** One thing that is wrong: where in the configuration (`$.profiles.internal.expiresIn`), and what is allowed there. */
export interface Problem {
  readonly path: string;
  readonly message: string;
}

/** The configuration can't be deployed. Its message lists all that is wrong, one line each. */
export class ConfigError extends Error {
  readonly problems: readonly Problem[];

  constructor(source: string, problems: readonly Problem[]) {
    const lines = problems.map(({ path, message }) => `  ${path}: ${message}`);
    super(
      [`${source} is not valid:`, ...lines, 'See examples/cert-renewer.json and cert-renewer.schema.json.'].join('\n'),
    );
    this.name = 'ConfigError';
    this.problems = problems;
  }
}
