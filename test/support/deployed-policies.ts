/** The policies of a stack's roles from its template, with the names that CloudFormation gave. */
import type { DeployedStack } from '../../testkit/local-aws/calls.ts';
import { ACCOUNT, REGION } from '../../testkit/local-aws/ministack.ts';
import type { Statement } from './iam-policy.ts';

export interface RolePolicies {
  /** The logical id without the construct's prefix and the hash: `Scan`, `Hookshooked0execRun`. */
  readonly role: string;
  /** The name in the ARN of the role's session. */
  readonly roleName: string;
  readonly policies: readonly OwnPolicy[];
  /** Statements of all its policies. */
  readonly statements: readonly Statement[];
}

/** The CDK puts statements that do not fit into the role into managed policies. */
export interface OwnPolicy {
  readonly kind: 'inline' | 'managed';
  readonly statements: readonly Statement[];
}

interface Resource {
  readonly Type: string;
  readonly Properties: Readonly<Record<string, unknown>>;
}

const kinds: Readonly<Record<string, OwnPolicy['kind']>> = {
  'AWS::IAM::Policy': 'inline',
  'AWS::IAM::ManagedPolicy': 'managed',
};

/** @throws Error for a role with a managed policy of another stack, because its statements are not known here. */
export function rolesOf({ template, physicalIds, stackName }: DeployedStack): RolePolicies[] {
  const { Resources } = template as { Resources: Readonly<Record<string, Resource>> };
  const resolve = resolver(Resources, physicalIds, stackName);
  const statementsOf = (policy: unknown): readonly Statement[] => {
    const { PolicyDocument } = policy as { PolicyDocument: unknown };
    return (resolve(PolicyDocument) as { Statement: Statement[] }).Statement;
  };
  return Object.entries(Resources)
    .filter(([, { Type }]) => Type === 'AWS::IAM::Role')
    .map(([id, { Properties }]) => {
      if (Properties['ManagedPolicyArns'] !== undefined) throw new Error(`the role ${id} has AWS's managed policies`);
      const inRole = ((Properties['Policies'] ?? []) as unknown[]).map((policy) => ({
        kind: 'inline' as const,
        statements: statementsOf(policy),
      }));
      const attached = Object.values(Resources).flatMap(({ Type, Properties: policy }): OwnPolicy[] => {
        const kind = kinds[Type];
        const roles = (policy?.['Roles'] ?? []) as { Ref: string }[];
        const isOfRole = kind !== undefined && roles.some(({ Ref }) => Ref === id);
        return isOfRole ? [{ kind, statements: statementsOf(policy) }] : [];
      });
      const policies = [...inRole, ...attached];
      return {
        role: id.replace(/^CertRenewer/, '').replace(/(Role)?[0-9A-F]{8}$/, ''),
        roleName: physicalIds[id] ?? id,
        policies,
        statements: policies.flatMap(({ statements }) => statements),
      };
    });
}

/**
 * Fills in values as CloudFormation does. @throws Error for a function or attribute that no policy of the stack has used so
 * far.
 */
function resolver(
  resources: Readonly<Record<string, Resource>>,
  physicalIds: Readonly<Record<string, string>>,
  stackName: string,
): (value: unknown) => unknown {
  const pseudo: Readonly<Record<string, string>> = {
    'AWS::Partition': 'aws',
    'AWS::Region': REGION,
    'AWS::AccountId': ACCOUNT,
    'AWS::StackName': stackName,
    'AWS::URLSuffix': 'amazonaws.com',
  };
  const known = (id: string): string => {
    const found = pseudo[id] ?? physicalIds[id];
    if (found === undefined) throw new Error(`the template names ${id}, which the stack does not have`);
    return found;
  };
  const arnOf = (id: string): string => {
    const name = known(id);
    const arn = arns[resources[id]?.Type ?? '']?.(/^https?:.*\/(.+)/.exec(name)?.[1] ?? name);
    if (name.startsWith('arn:')) return name;
    if (arn === undefined) throw new Error(`the ARN of a ${resources[id]?.Type} is not known here`);
    return arn;
  };
  const resolve = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(resolve);
    if (typeof value !== 'object' || value === null) return value;
    const [[name, argument] = [''], ...more] = Object.entries(value as Record<string, unknown>);
    if (more.length === 0 && name === 'Ref') return known(String(argument));
    if (more.length === 0 && name.startsWith('Fn::')) return call(name, resolveArguments(argument));
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, resolve(each)]));
  };
  const resolveArguments = (given: unknown): readonly unknown[] => resolve(given) as readonly unknown[];
  const call = (name: string, given: readonly unknown[]): string => {
    if (name === 'Fn::Join') return (given[1] as string[]).join(String(given[0]));
    if (name === 'Fn::GetAtt' && given[1] === 'Arn') return arnOf(String(given[0]));
    throw new Error(`${name} of ${given.join()} is not known here`);
  };
  return resolve;
}

const here = `${REGION}:${ACCOUNT}`;

/** ARNs by a resource's name; a queue's name is the end of its URL. */
const arns: Readonly<Record<string, (name: string) => string>> = {
  'AWS::SQS::Queue': (name) => `arn:aws:sqs:${here}:${name}`,
  'AWS::Lambda::Function': (name) => `arn:aws:lambda:${here}:function:${name}`,
  'AWS::Events::EventBus': (name) => `arn:aws:events:${here}:event-bus/${name}`,
  'AWS::KMS::Key': (name) => `arn:aws:kms:${here}:key/${name}`,
  'AWS::Logs::LogGroup': (name) => `arn:aws:logs:${here}:log-group:${name}:*`,
  'AWS::IAM::Role': (name) => `arn:aws:iam::${ACCOUNT}:role/${name}`,
};
