/**
 * Keeps policies within IAM's quotas (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html). The CDK moves whole
 * statements from a role that is full to managed policies, so each statement must fit into a managed policy.
 */
import { Stack } from 'aws-cdk-lib';
import { CfnManagedPolicy, CfnPolicy, type Role } from 'aws-cdk-lib/aws-iam';
import { ConfigError } from '../config/config-error.ts';
import { configPath } from '../config/explain.ts';
import { isToken } from '../config/token.ts';
import { packed } from './packed.ts';

/** Quotas: characters without white space, and the managed policies of a role (default quota). */
const most = { inline: 10_240, managed: 6_144, attached: 10 };

/** Characters of the values in one statement. Two or three such statements fit into a managed policy. */
const mostInStatement = 2_000;

/** Characters of an ARN that CloudFormation fills in, as the CDK estimates them. */
const arnLength = 150;

/** Distributes values over statements of allowed size. */
export function inStatements(values: readonly string[]): readonly string[][] {
  // Three more for quotation marks and a comma.
  return packed(values, (value) => (isToken(value) ? arnLength : value.length) + 3, mostInStatement);
}

/** Returns the id of statement n, counted from 0: `Sign`, `Sign2`, … */
export function nthSid(sid: string, n: number): string {
  return n === 0 ? sid : `${sid}${n + 1}`;
}

/** Makes synthesis throw ConfigError if the policies of the role exceed IAM's quotas. `whose` names the role in the message. */
export function checkPolicySizes(role: Role, profiles: readonly string[], whose = "the renew function's"): void {
  role.node.addValidation({
    validate: () => {
      const sizes = sizesOf(role);
      const fits =
        sizes.inline <= most.inline &&
        sizes.managed.length <= most.attached &&
        sizes.managed.every((size) => size <= most.managed);
      if (!fits) throw tooLarge(role, profiles, whose, sizes);
      return [];
    },
  });
}

interface Sizes {
  readonly inline: number;
  readonly managed: readonly number[];
}

function sizesOf(role: Role): Sizes {
  const found = role.node.findAll();
  const sizeOf = ({ policyDocument }: CfnPolicy | CfnManagedPolicy): number =>
    lengthOf(Stack.of(role).resolve(policyDocument));
  const inline = found.filter((each) => each instanceof CfnPolicy).map(sizeOf);
  const managed = found.filter((each) => each instanceof CfnManagedPolicy).map(sizeOf);
  return { inline: sum(inline), managed };
}

function tooLarge(role: Role, profiles: readonly string[], whose: string, { inline, managed }: Sizes): ConfigError {
  const characters = sum(profiles.map((name) => name.length));
  const message =
    `${profiles.length} profiles with ${characters} characters of names do not fit into IAM: the policies of ${whose} role ` +
    `have ${inline + sum(managed)} characters, and IAM allows ${most.inline} in the role and ten managed policies of ${most.managed}. ` +
    "A statement can't be split. Shorten the names, or put some of the profiles into a second stack";
  return new ConfigError(Stack.of(role).node.path, [{ path: configPath('profiles'), message }]);
}

/** Returns the length of a value's JSON. A token counts as an ARN. */
function lengthOf(resolved: unknown): number {
  if (Array.isArray(resolved)) return 1 + sum(resolved.map((each) => lengthOf(each) + 1));
  if (typeof resolved !== 'object' || resolved === null) return JSON.stringify(resolved).length;
  const entries = Object.entries(resolved);
  const [[name, argument] = ['', undefined]] = entries;
  if (name === 'Fn::Join' && Array.isArray(argument)) return 2 + sum((argument[1] as unknown[]).map(partLength));
  if (name === 'Ref' || name.startsWith('Fn::')) return 2 + partLength(resolved);
  return 1 + sum(entries.map(([key, value]) => JSON.stringify(key).length + 1 + lengthOf(value) + 1));
}

/** Returns the length of a part of Fn::Join. The longest partition is `aws-us-gov`, the longest Region `ap-southeast-4`. */
function partLength(part: unknown): number {
  if (typeof part === 'string') return part.length;
  const { Ref: ref } = part as { readonly Ref?: string };
  return ref?.startsWith('AWS::') ? 16 : arnLength;
}

const sum = (numbers: readonly number[]): number => numbers.reduce((all, each) => all + each, 0);
