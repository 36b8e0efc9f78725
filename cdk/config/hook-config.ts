/** The hooks of the configuration: what one field alone can't say. */
import { documentProblem } from '../hooks/command-document.ts';
import type { Problem } from './config-error.ts';
import type { ConfigDocument, HookConfig } from './config-schema.ts';
import { configPath } from './explain.ts';
import { isToken } from './token.ts';

/** Bytes of a map in a function's environment, which holds 4 KB in all. */
const mostBytes = 3_000;

export function checkHooks({ profiles }: ConfigDocument): readonly Problem[] {
  return Object.entries(profiles).flatMap(([name, { hooks = [] }]) =>
    hooks.flatMap((hook, index) => checkHook(hook, ['profiles', name, 'hooks', index])),
  );
}

/**
 * EventBridge sends to topics of its own Region alone. `region`: where the stack goes; undefined where that is known at
 * deployment only, then all topics have to be of one Region.
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
      message: `a topic in ${found}, and EventBridge publishes in its own Region alone, ${expected}: take a topic there, or a hook of type lambda, whose function may be in any Region. (Of a stack without a Region of its own it is that of the CDK's command line: AWS_REGION, or the stack's env)`,
    }));
}

function checkHook(hook: HookConfig, path: readonly PropertyKey[]): readonly Problem[] {
  const problem = (field: string, message: string) => [{ path: configPath(...path, field), message }];
  if (hook.type === 'exec' || hook.type === 'signal') {
    const [field, text] = hook.type === 'exec' ? ['command', hook.command] : ['pidFile', hook.pidFile];
    const found = isToken(text) ? 'it must be known at synthesis; found a token' : documentProblem(text ?? '');
    return found === undefined ? [] : problem(field ?? '', found);
  }
  if (hook.type !== 'acm') return [];
  const { length } = JSON.stringify(hook.certificates);
  const names = Object.keys(hook.certificates);
  const arns = names.filter((name) => name.startsWith('arn:'));
  if (arns.length > 0) return problem('certificates', `${arns[0]} is an ARN; expected the name of the secret`);
  if (names.length === 0) return problem('certificates', 'expected at least one certificate');
  if (length <= mostBytes) return [];
  return problem('certificates', `${length} characters, and a hook may have ${mostBytes}: make two hooks of it`);
}
