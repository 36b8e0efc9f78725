/** The answers of the HTTP API except 200: the table of docs/ca-api.md, in Infisical's form. */

/** The `error` of a body, by status. */
const names = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'PermissionDenied',
  404: 'NotFound',
  422: 'ValidationFailure',
  500: 'InternalServerError',
} as const;

export type ProblemStatus = keyof typeof names;

/** A violation of the schema. */
export interface SchemaIssue {
  readonly code: 'invalid_type' | 'invalid_value' | 'invalid_format' | 'unrecognized_keys' | 'duplicate_key';
  /** Field names from the body's root. Empty for the body itself. */
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

/** An answer, thrown where it is certain. Its message is for the caller. */
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

  /** Returns the body. `reqId` is the request's id, also in the log. */
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

/** The answer for an unexpected error. The log has the details. */
export const somethingWentWrong = (): Problem => new Problem(500, 'Something went wrong.');
