/** What the HTTP API answers besides 200: the table of docs/ca-api.md, as Infisical words it. */

/** `error` of the body, by status. */
const names = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'PermissionDenied',
  404: 'NotFound',
  422: 'ValidationFailure',
  500: 'InternalServerError',
} as const;

export type ProblemStatus = keyof typeof names;

/** One way in which a body breaks the schema. */
export interface SchemaIssue {
  readonly code: 'invalid_type' | 'invalid_value' | 'invalid_format' | 'unrecognized_keys' | 'duplicate_key';
  /** Field names from the body's root; empty for the body itself. */
  readonly path: readonly string[];
  readonly message: string;
}

export interface ProblemBody {
  readonly reqId: string;
  readonly statusCode: ProblemStatus;
  readonly message: string | readonly SchemaIssue[];
  readonly error: (typeof names)[ProblemStatus];
  readonly details?: readonly unknown[];
}

/** An answer that is thrown, from wherever it is certain. Its message is for the caller. */
export class Problem extends Error {
  readonly status: ProblemStatus;
  readonly issues: readonly SchemaIssue[] | undefined;
  readonly details: readonly unknown[] | undefined;

  constructor(
    status: ProblemStatus,
    message: string,
    { issues, details }: { issues?: readonly SchemaIssue[]; details?: readonly unknown[] } = {},
  ) {
    super(message);
    this.name = 'Problem';
    this.status = status;
    this.issues = issues;
    this.details = details;
  }

  /** `reqId`: the request's id, which the log has too. */
  body(reqId: string): ProblemBody {
    return {
      reqId,
      statusCode: this.status,
      message: this.issues ?? this.message,
      error: names[this.status],
      ...(this.details === undefined ? {} : { details: this.details }),
    };
  }
}

/** For everything unforeseen: the log has the rest. */
export const somethingWentWrong = (): Problem => new Problem(500, 'Something went wrong.');
