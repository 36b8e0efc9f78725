/**
 * The SDK's settings from the environment, where Lambda's runtime puts them. At bundling this module takes the place of
 * `@smithy/core/config` (an alias of esbuild's), whose `loadConfig` looks for what the environment does not say in
 * ~/.aws/config and ~/.aws/credentials: there are none in a Lambda, and looking for them is a part of every cold start.
 */
import { memoize } from '#smithy-config';

// What this module has goes before what is exported with all the others.
export * from '#smithy-config';

/** The part of the SDK's own type that counts here. */
interface Selectors<T> {
  environmentVariableSelector(env: NodeJS.ProcessEnv, options?: object): T | undefined;
  readonly default: T | (() => T | Promise<T>);
}

/** As the SDK's, and without the files: a variable that can't be read counts as one that is not set. */
export function loadConfig<T>(
  { environmentVariableSelector, default: otherwise }: Selectors<T>,
  options?: object,
): () => Promise<T> {
  return memoize(async () => {
    try {
      const found = environmentVariableSelector(process.env, options);
      if (found !== undefined) return found;
    } catch {
      // the SDK goes on to the default then, too
    }
    return otherwise instanceof Function ? otherwise() : otherwise;
  });
}

/** clients.ts says which; to find out what would suit the machine the SDK asks the instance's metadata. */
export function resolveDefaultsModeConfig(): () => Promise<'standard'> {
  return async () => 'standard';
}
