/** Checks that the actions, the resources and the condition keys of a statement belong together. */
import type { Action, ActionsMeant, ResourceType } from './iam-data.ts';
import type { Statement } from './statements.ts';

/**
 * Condition keys that exist for every action. aws:ResourceTag, aws:RequestTag and aws:TagKeys are not among them.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
 */
const global = [
  'aws:CalledVia',
  'aws:CalledViaFirst',
  'aws:CalledViaLast',
  'aws:CurrentTime',
  'aws:EpochTime',
  'aws:PrincipalAccount',
  'aws:PrincipalArn',
  'aws:PrincipalIsAWSService',
  'aws:PrincipalOrgID',
  'aws:PrincipalServiceName',
  'aws:PrincipalTag/tag-key',
  'aws:PrincipalType',
  'aws:RequestedRegion',
  'aws:ResourceAccount',
  'aws:ResourceOrgID',
  'aws:SecureTransport',
  'aws:SourceAccount',
  'aws:SourceArn',
  'aws:SourceIp',
  'aws:SourceOrgID',
  'aws:SourceVpc',
  'aws:SourceVpce',
  'aws:UserAgent',
  'aws:userid',
  'aws:username',
  'aws:ViaAWSService',
  'aws:VpcSourceIp',
].map(keyPattern);

/** Returns the problems of a statement, one line each. */
export function judgeStatement(statement: Statement, meant: ActionsMeant): string[] {
  const { where, actions, resources, keys } = statement;
  const all = actions.map((text) => ({ text, means: meant[text] ?? [] }));
  return [
    ...all.filter(({ means }) => means.length === 0).map(({ text }) => `there is no action ${text}`),
    ...all
      .filter(({ means }) => means.length > 0 && !means.some((action) => applies(action, resources)))
      .map(({ text, means }) => `${text} is for ${expected(means)}, not for ${resources.join(', ')}`),
    ...resources
      .filter((resource) => !all.some(({ means }) => means.some((action) => applies(action, [resource]))))
      .map((resource) => `no action of it is for ${resource}`),
    ...all.flatMap(({ text, means }) =>
      keys
        .filter((key) => means.length > 0 && !means.some((action) => supports(action, resources, key)))
        .map((key) => `${text} knows no condition ${key}`),
    ),
  ].map((what) => `${where}: ${what}`);
}

/** Checks that the action applies to one of the resources. A trust policy has no resource, and its actions are for roles. */
function applies({ types }: Action, resources: readonly string[]): boolean {
  if (resources.length === 0 || resources.includes('*')) return true;
  return types.some((type) => resources.some((resource) => isOf(resource, type)));
}

/** Checks that the key belongs to the action, or to a resource type that the action is used on. */
function supports({ keys, types }: Action, resources: readonly string[], key: string): boolean {
  const anyResource = resources.length === 0 || resources.includes('*');
  const asked = types.filter((type) => anyResource || resources.some((resource) => isOf(resource, type)));
  const known = [...keys, ...asked.flatMap((type) => type.keys)].map(keyPattern);
  return [...known, ...global].some((pattern) => pattern.test(key));
}

/** `aws:ResourceTag/${TagKey}` and `secretsmanager:ResourceTag/tag-key` stand for any tag. Keys are case-insensitive. */
function keyPattern(key: string): RegExp {
  const parts = key.split(/\$\{\w+\}|(?<=\/)tag-key$/).map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.+')}$`, 'i');
}

const expected = (means: readonly Action[]): string => {
  const names = new Set(means.flatMap(({ types }) => types.map(({ arn }) => arn)));
  return names.size === 0 ? '* alone' : [...names].join(', ');
};

/** Checks whether an ARN, which may contain * and ?, can name a resource of the type. */
export function isOf(resource: string, { arn }: Pick<ResourceType, 'arn'>): boolean {
  const [ours, its] = [parts(resource), parts(arn.replaceAll(/\$\{\w+\}/g, '*'))];
  return ours.length === its.length && ours.every((part, index) => overlap(part, its[index] ?? ''));
}

/** Splits an ARN into partition, service, Region, account and the rest. Colons in the rest belong to the name. */
function parts(arn: string): string[] {
  const all = arn.split(':');
  return [...all.slice(0, 5), all.slice(5).join(':')];
}

/** Checks whether some text matches both patterns; * is any text, ? any character. */
function overlap(one: string, other: string): boolean {
  if (one === '' || other === '') return /^\**$/.test(one + other);
  if (one[0] === '*') return overlap(one.slice(1), other) || overlap(one, other.slice(1));
  if (other[0] === '*') return overlap(other, one);
  return (one[0] === other[0] || one[0] === '?' || other[0] === '?') && overlap(one.slice(1), other.slice(1));
}
