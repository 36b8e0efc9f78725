/** Checks the hooks of the configuration beyond the schema. */
import { documentProblem } from '../hooks/command-document.ts';
import { patternLength } from '../hooks/deployment-events.ts';
import type { Problem } from './config-error.ts';
import type { ConfigDocument, HookConfig } from './config-schema.ts';
import { configPath } from './explain.ts';
import { isToken } from './token.ts';

/** Characters of the map of an `acm` or `ecs` hook. It goes into a function's environment, which may have 4 KB in total. */
const mostBytes = 3_000;
/** https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html */
const longestPattern = 2_048;

export function checkHooks({ profiles }: ConfigDocument): readonly Problem[] {
  return Object.entries(profiles).flatMap(([name, { hooks = [] }]) =>
    hooks.flatMap((hook, index) => checkHook(hook, ['profiles', name, 'hooks', index])),
  );
}

/**
 * Checks that the topics of `sns` hooks are in the stack's `region`: EventBridge publishes only in its own Region. If `region` is not known
 * at synthesis, all topics must be in one Region.
 */
export function checkTopicRegions({ profiles }: Pick<ConfigDocument, 'profiles'>, region?: string): readonly Problem[] {
  const topics = Object.entries(profiles).flatMap(([name, { hooks = [] }]) =>
    hooks.flatMap((hook, index) =>
      hook.type === 'sns' && !isToken(hook.topicArn)
        ? [{ path: configPath('profiles', name, 'hooks', index, 'topicArn'), found: hook.topicArn.split(':')[3] ?? '' }]
        : [],
    ),
  );
  const expected = region ?? topics[0]?.found;
  return topics
    .filter(({ found }) => found !== expected)
    .map(({ path, found }) => ({
      path,
      message: `the topic is in ${found}, and EventBridge publishes only in its own Region, ${expected}: use a topic there, or a hook of type lambda, whose function may be in any Region. (A stack without a Region of its own gets that of the CDK's command line: set AWS_REGION, or the stack's env)`,
    }));
}

function checkHook(hook: HookConfig, path: readonly PropertyKey[]): readonly Problem[] {
  const problem = (field: string, message: string) => [{ path: configPath(...path, field), message }];
  if (hook.type === 'exec' || hook.type === 'signal') {
    const [field, text] = hook.type === 'exec' ? ['command', hook.command] : ['pidFile', hook.pidFile];
    const found = isToken(text) ? 'it must be known at synthesis; found a token' : documentProblem(text ?? '');
    return found === undefined ? [] : problem(field ?? '', found);
  }
  if (hook.type === 'acm') {
    const found = mapProblem(hook.certificates, 'certificate');
    return found === undefined ? [] : problem('certificates', found);
  }
  if (hook.type === 'ecs') {
    const found = mapProblem(hook.services, 'service') ?? patternProblem(Object.values(hook.services));
    return found === undefined ? [] : problem('services', found);
  }
  return [];
}

/** Returns the problem of a map by names of secrets, or undefined. */
function mapProblem(map: Readonly<Record<string, string>>, what: string): string | undefined {
  const names = Object.keys(map);
  const arn = names.find((name) => name.startsWith('arn:'));
  if (arn !== undefined) return `found the ARN ${arn} as a key; expected the secret's name`;
  if (names.length === 0) return `found no ${what}; expected at least one`;
  const { length } = JSON.stringify(map);
  return length <= mostBytes
    ? undefined
    : `found ${length} characters; a hook may have ${mostBytes}: split it into two hooks`;
}

/** The rule for the ends of deployments names each service by its ARN. */
function patternProblem(services: readonly string[]): string | undefined {
  const length = patternLength(services);
  return length <= longestPattern
    ? undefined
    : `found ${new Set(services).size} services, whose ARNs have ${length} characters in an event pattern; EventBridge allows ${longestPattern}: split it into two hooks`;
}
