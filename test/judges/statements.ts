/** Every statement of every policy of an assembly: of roles, queues, topics, keys, secrets and functions. */
import { type Assembly, type Resource, resourcesOf } from './assembly.ts';
import { filled } from './filled.ts';

export interface Statement {
  /** Template, logical id and Sid, for messages. */
  readonly where: string;
  readonly actions: readonly string[];
  /** As text, filled in. Absent in a trust policy. */
  readonly resources: readonly string[];
  /** As written in the template: `aws:ResourceTag/cert-renewer:profile`. */
  readonly keys: readonly string[];
}

interface Written {
  readonly Sid?: string;
  readonly Action?: string | readonly string[];
  readonly NotAction?: unknown;
  readonly Resource?: string | readonly string[];
  readonly NotResource?: unknown;
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

const list = <T>(value: T | readonly T[] | undefined): readonly T[] =>
  value === undefined ? [] : ([value].flat() as T[]);

/** The properties with policy documents, by resource type. */
const documents: Readonly<Record<string, (properties: Resource['properties']) => readonly unknown[]>> = {
  'AWS::IAM::Role': ({ AssumeRolePolicyDocument, Policies }) => [
    AssumeRolePolicyDocument,
    ...list(Policies as { readonly PolicyDocument: unknown }[]).map(({ PolicyDocument }) => PolicyDocument),
  ],
  'AWS::IAM::Policy': ({ PolicyDocument }) => [PolicyDocument],
  'AWS::IAM::ManagedPolicy': ({ PolicyDocument }) => [PolicyDocument],
  'AWS::SQS::QueuePolicy': ({ PolicyDocument }) => [PolicyDocument],
  'AWS::SNS::TopicPolicy': ({ PolicyDocument }) => [PolicyDocument],
  'AWS::SecretsManager::ResourcePolicy': ({ ResourcePolicy }) => [ResourcePolicy],
  'AWS::KMS::Key': ({ KeyPolicy }) => [KeyPolicy],
};

/** @throws Error for NotAction and NotResource, because nothing here judges them. */
export function statementsOf(assembly: Assembly): Statement[] {
  return [
    ...resourcesOf(assembly, ...Object.keys(documents)).flatMap((resource) => {
      const all = (documents[resource.type]?.(resource.properties) ?? []).filter((each) => each !== undefined);
      return all.flatMap((document) => {
        const { Statement } = filled(assembly, resource.template, document) as { Statement: Written | Written[] };
        return list(Statement).map((written) => read(resource, written));
      });
    }),
    ...resourcesOf(assembly, 'AWS::Lambda::Permission').map((resource) =>
      read(resource, { Action: String(resource.properties['Action']), Resource: '*' }),
    ),
  ];
}

function read({ template, id, type }: Resource, written: Written): Statement {
  const where = `${template.file} ${id} ${written.Sid ?? '-'}`;
  if (written.NotAction !== undefined || written.NotResource !== undefined) {
    throw new Error(`${where}: a statement by NotAction or NotResource`);
  }
  return {
    where,
    actions: list(written.Action),
    // In a key's own policy, `*` means that key.
    resources: type === 'AWS::KMS::Key' ? ['arn:aws:kms:*:*:key/*'] : list(written.Resource),
    keys: Object.values(written.Condition ?? {}).flatMap(Object.keys),
  };
}
