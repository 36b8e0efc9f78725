/** AWS's service authorisation data: the actions, their resources and their condition keys. */
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
  /** Condition keys that apply to the action on any resource. */
  readonly keys: readonly string[];
  /** Empty if the action takes only `*` as its resource. */
  readonly types: readonly ResourceType[];
}

/** Returns the actions that a policy's action text stands for: several for a text with `*`, none if no such action exists. */
export type ActionsMeant = Readonly<Record<string, readonly Action[]>>;

/**
 * Actions that are newer than the data. Their resource is from the API's reference:
 * https://docs.aws.amazon.com/acm/latest/APIReference/API_AcmeExternalAccountBinding.html
 */
const newer: ActionsMeant = {
  'acm:GetAcmeExternalAccountBindingCredentials': [
    {
      name: 'acm:GetAcmeExternalAccountBindingCredentials',
      keys: [],
      types: [
        {
          name: 'acme-external-account-binding',
          arn: `arn:\${Partition}:acm:\${Region}:\${Account}:acme-endpoint/\${EndpointId}/acme-external-account-binding/\${Id}`,
          keys: [],
        },
      ],
    },
  ],
};

/** Replaces an action that the data lacks by the one above. */
const withNewer = (found: ActionsMeant): ActionsMeant =>
  Object.fromEntries(
    Object.entries(found).map(([text, actions]) => [text, actions.length > 0 ? actions : (newer[text] ?? [])]),
  );

/** @throws Error with Python's message. */
export function actionsMeant(python: string, actions: Iterable<string>): Promise<ActionsMeant> {
  return new Promise((resolve, reject) => {
    const program = join(import.meta.dirname, 'iam_data.py');
    const child = execFile(python, [program], { maxBuffer: 64 * 1024 * 1024 }, (error, stdout) =>
      error ? reject(error) : resolve(withNewer(JSON.parse(stdout))),
    );
    child.stdin?.end(JSON.stringify([...new Set(actions)]));
  });
}
