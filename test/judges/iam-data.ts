/** AWS's service authorisation data: which actions there are, on which resources, under which conditions. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';

export interface ResourceType {
  readonly name: string;
  /** `arn:${Partition}:sqs:${Region}:${Account}:${QueueName}` */
  readonly arn: string;
  readonly keys: readonly string[];
}

export interface Action {
  readonly name: string;
  /** Condition keys, whatever the resource. */
  readonly keys: readonly string[];
  /** None: only `*` can be its resource. */
  readonly types: readonly ResourceType[];
}

/** What the text of an action in a policy means: several with a `*`, none if there is no such action. */
export type ActionsMeant = Readonly<Record<string, readonly Action[]>>;

/** @throws Error with what Python said. */
export function actionsMeant(python: string, actions: Iterable<string>): Promise<ActionsMeant> {
  return new Promise((resolve, reject) => {
    const program = join(import.meta.dirname, 'iam_data.py');
    const child = execFile(python, [program], { maxBuffer: 64 * 1024 * 1024 }, (error, stdout) =>
      error ? reject(error) : resolve(JSON.parse(stdout)),
    );
    child.stdin?.end(JSON.stringify([...new Set(actions)]));
  });
}
